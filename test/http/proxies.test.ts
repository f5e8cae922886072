/** The proxies of docs/proxy.md, for real, in front of a real API. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { PROXIES, startProxy, type TestProxy } from "../servers/proxies";
import { ADMIN_TOKEN, openTestApi, type TestApi } from "./api";
import { headOf } from "./rawRequest";

const AUTH = { authorization: `Bearer ${ADMIN_TOKEN}` };
/** So slow that nothing comes in while a test runs. */
const PER_ADDRESS = { perSecond: 1 / 3600, burst: 1000 };

/** Where the proxies are not in the cache yet. */
const GET_MS = 120_000;

interface ProxiedAnswer {
  readonly status: number;
  header(name: string): string | null;
  /** With its head. */
  readonly text: string;
}

/** Several requests over one connection, from an address of loopback that no proxy is at. */
async function ask(proxy: TestProxy, from: string, requests: readonly string[]): Promise<ProxiedAnswer[]> {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(proxy.url).port), localAddress: from });
  const answers: ProxiedAnswer[] = [];
  let text = "";
  const failed = Promise.withResolvers<never>();
  socket.on("error", (error) => failed.reject(error));
  socket.on("close", () => failed.reject(new Error(`closed after ${answers.length} answers: ${text}`)));
  try {
    for (const request of requests) {
      const whole = Promise.withResolvers<void>();
      text = "";
      socket.removeAllListeners("data").on("data", (data) => {
        text += data.toString();
        if (isWhole(text)) whole.resolve();
      });
      socket.write(request);
      await Promise.race([whole.promise, failed.promise]);
      const head = text.split("\r\n\r\n")[0] ?? "";
      const header = (name: string) => new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1] ?? null;
      answers.push({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), header, text });
    }
    failed.promise.catch(() => {});
    return answers;
  } finally {
    socket.destroy();
  }
}

function isWhole(text: string): boolean {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  const length = /^content-length: *(\d+)$/im.exec(head)?.[1];
  if (length !== undefined) return Buffer.byteLength(body) >= Number(length);
  return / 204 /.test(head) || /(^|\r\n)0\r\n\r\n$/.test(`${body}`);
}

function get(headers: Record<string, string> = {}, path = "/v1/sensors"): string {
  return headOf("GET", path, { ...AUTH, ...headers });
}

/** How often that address has asked by now, this time included. */
function count(answer: ProxiedAnswer | undefined): number {
  return PER_ADDRESS.burst - Number(/;r=(\d+);/.exec(answer?.header("ratelimit") ?? "")?.[1]);
}

describe.each(PROXIES)("behind %s", (name) => {
  let api: TestApi;
  let proxy: TestProxy;
  beforeAll(async () => {
    api = await openTestApi({ edge: { perAddress: PER_ADDRESS, trustedProxies: ["127.0.0.1"] } });
    proxy = await startProxy(name, api.url);
  }, GET_MS);
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
  });

  test("an address is the client's own, over one connection and the next", async () => {
    const first = await ask(proxy, "127.0.0.11", [get(), get(), get()]);
    const next = await ask(proxy, "127.0.0.11", [get()]);
    const other = await ask(proxy, "127.0.0.12", [get()]);
    expect([...first, ...next, ...other].map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect([...first, ...next, ...other].map(count)).toEqual([1, 2, 3, 4, 1]);
  });

  test("nobody gets a fresh address by making one up", async () => {
    const spoofed = ["198.51.100.1", "198.51.100.2, 127.0.0.1", "127.0.0.1", "unknown", "::1, 198.51.100.3", ""].map((made) =>
      get({ "x-forwarded-for": made, forwarded: "for=198.51.100.9", "x-real-ip": "198.51.100.8" }),
    );
    expect((await ask(proxy, "127.0.0.13", spoofed)).map(count)).toEqual([1, 2, 3, 4, 5, 6]);
    // Two of them: proxies add theirs in another line, or in the same.
    const twice = headOf("GET", "/v1/sensors", AUTH).replace(
      "\r\n\r\n",
      "\r\nx-forwarded-for: 198.51.100.1\r\nX-Forwarded-For: 198.51.100.2\r\n\r\n",
    );
    expect((await ask(proxy, "127.0.0.13", [twice])).map(count)).toEqual([7]);
  });

  test("a request id goes through, and is made where there is none", async () => {
    const [own, none] = await ask(proxy, "127.0.0.14", [get({ "x-request-id": "trace-7" }), get()]);
    expect(own?.header("x-request-id")).toBe("trace-7");
    expect(none?.header("x-request-id")).toMatch(/^[0-9a-f-]{32,36}$/);
  });

  test("nobody is told to come by TLS who says that it did", async () => {
    const [answer] = await ask(proxy, "127.0.0.14", [get({ "x-forwarded-proto": "https" })]);
    expect(answer?.header("strict-transport-security")).toBeNull();
  });

  test("bodies come whole, announced or in chunks, and a refusal says why", async () => {
    const type = { "content-type": "application/json" };
    const body = (id: string) => `{"id":"${id}"}`.padEnd(500_000);
    const whole = headOf("POST", "/v1/sensors", { ...AUTH, ...type, "content-length": "500000" }) + body(`${name}-1`);
    const chunks = `${headOf("POST", "/v1/sensors", { ...AUTH, ...type, "transfer-encoding": "chunked" })}7a120\r\n${body(`${name}-2`)}\r\n0\r\n\r\n`;
    const long = headOf("POST", "/v1/sensors", { ...AUTH, ...type, "content-length": "1100000" }) + body("x").padEnd(1_100_000);
    expect((await ask(proxy, "127.0.0.15", [whole, chunks])).map(({ status }) => status)).toEqual([201, 201]);
    const [refused] = await ask(proxy, "127.0.0.15", [long]);
    expect([refused?.status, refused?.header("content-type")]).toEqual([413, "application/problem+json"]);
  });

  test("many at once go through as they come, and their results come back whole", async () => {
    const items = Array.from({ length: 20_000 }, (_, index) => `{"sensorId":"s-${index % 50}","status":"ok","id":"${name}-${index}"}\n`);
    const body = items.join("");
    const head = headOf("POST", "/v1/reports", { ...AUTH, "content-type": "application/x-ndjson", "content-length": String(body.length) });
    const [answer] = await ask(proxy, "127.0.0.17", [head + body]);
    expect([answer?.status, answer?.header("content-type")]).toEqual([202, "application/x-ndjson"]);
    expect(answer?.text).toContain('{"accepted":20000,"refused":0,"stopped":null}');
  });

  test("limits, their headers and what a browser asks go through", async () => {
    const [answer, none] = await ask(proxy, "127.0.0.16", [get(), headOf("GET", "/v1/sensors", {})]);
    expect(answer?.header("ratelimit-policy")).toBe('"address";q=1000;w=3600000');
    expect([none?.status, none?.header("www-authenticate")]).toEqual([401, "Bearer"]);
  });
});
