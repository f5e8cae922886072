/** What happens at the limits of time and room. */
import { describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { URL_CHARS_MAX } from "../../src/http/gate/gate";
import { until } from "../until";
import { ADMIN_TOKEN, openTestApi } from "./api";
import { expectProblem } from "./problem";
import { headOf, rawRequest } from "./rawRequest";

const AUTH = { authorization: `Bearer ${ADMIN_TOKEN}` };

describe("a body that dribbles", () => {
  test.each([
    ["announced", { "content-length": "1000" }, '{"id":'],
    ["in chunks", { "transfer-encoding": "chunked" }, "1\r\n{\r\n"],
  ])("%s, is ended in time, with its connection", async (_how, headers, piece) => {
    await using api = await openTestApi({ edge: { limits: { bodyMs: 200 } } });
    const head = headOf("POST", "/v1/sensors", { ...AUTH, "content-type": "application/json", ...headers });
    const { text, socket } = await dribble(api.url, head, piece);
    expect(text).toStartWith("HTTP/1.1 408 ");
    expect(text.toLowerCase()).toContain("connection: close");
    expect(text).toContain("urn:tocsin:problem:too-slow");
    expect(socket.destroyed).toBe(true);
    expect((await api.request("GET", "/v1/sensors")).status).toBe(200);
  });

  test("of one caller leaves room for those of others", async () => {
    await using api = await openTestApi({ edge: { limits: { bodyMs: 200, callerBodyBytesMax: 1500 } } });
    const { token } = await api.mint(["sensors:write"]);
    const head = headOf("POST", "/v1/sensors", { ...AUTH, "content-type": "application/json", "content-length": "1000" });
    const dribbling = dribble(api.url, head, "{");
    const body = "{}".padEnd(1000);
    const statuses = async () => [
      (await api.request("POST", "/v1/sensors", { body })).status,
      (await api.request("POST", "/v1/sensors", { body, token })).status,
    ];
    await until(async () => String(await statuses()) === "429,422");
    await dribbling;
    await until(async () => String(await statuses()) === "422,422");
  });

  test("takes room only as long as it is waited for", async () => {
    await using api = await openTestApi({ edge: { limits: { bodyMs: 200, bodyBytesMax: 1500 } } });
    const head = headOf("POST", "/v1/sensors", { ...AUTH, "content-type": "application/json", "content-length": "1000" });
    const dribbling = dribble(api.url, head, "{");
    await until(async () => (await api.request("POST", "/v1/sensors", { body: "{}".padEnd(1000) })).status === 503);
    await dribbling;
    await until(async () => (await api.request("POST", "/v1/sensors", { body: "{}".padEnd(1000) })).status === 422);
  });
});

test("bodies that would take more room than there is are told to come again", async () => {
  await using api = await openTestApi({ edge: { limits: { bodyBytesMax: 100 } } });
  const answer = await api.request("POST", "/v1/sensors", { body: "{}".padEnd(101) });
  expectProblem(answer, 503);
  expect(answer.headers.get("retry-after")).toBe("1");
  expectProblem(await api.request("POST", "/v1/sensors", { body: "{}".padEnd(100) }), 422);
});

describe("a node that works on as much as it may", () => {
  test("tells others to come again, and answers whoever watches it", async () => {
    await using api = await openTestApi({ edge: { limits: { requestsMax: 2 } } });
    const acknowledged = Promise.withResolvers<void>();
    api.reports.gate = acknowledged.promise;
    const running = [1, 2].map(() => api.request("POST", "/v1/sensors/boiler-7/reports", { json: { status: "ok" } }));
    await until(async () => (await api.request("GET", "/v1/sensors")).status === 503);
    const refused = await api.request("GET", "/v1/sensors", { token: null });
    expectProblem(refused, 503);
    expect(refused.headers.get("retry-after")).toBe("1");
    for (const path of ["/livez", "/readyz", "/metrics"]) expect((await api.request("GET", path)).status).toBe(200);
    acknowledged.resolve();
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([202, 202]);
    expect((await api.request("GET", "/v1/sensors")).status).toBe(200);
  });

  test("keeps the place of what it no longer waits for until that ends", async () => {
    await using api = await openTestApi({ edge: { limits: { requestsMax: 1, handlerMs: 100 } } });
    const acknowledged = Promise.withResolvers<void>();
    api.reports.gate = acknowledged.promise;
    const late = await api.request("POST", "/v1/sensors/boiler-7/reports", { json: { status: "ok" } });
    expectProblem(late, 503);
    expect(late.json()["detail"]).toContain("longer than 0.1 s");
    expect((await api.request("GET", "/v1/sensors")).status).toBe(503);
    acknowledged.resolve();
    await until(async () => (await api.request("GET", "/v1/sensors")).status === 200);
  });
});

describe("what is asked for", () => {
  test("may be so long, and no longer: 414", async () => {
    await using api = await openTestApi();
    const path = (chars: number) => "/v1/sensors?q=".padEnd(chars, "x");
    expectProblem(await api.request("GET", path(URL_CHARS_MAX)), 422);
    expectProblem(await api.request("GET", path(URL_CHARS_MAX + 1)), 414);
    expectProblem(await api.request("GET", path(URL_CHARS_MAX + 1), { token: null }), 401);
    expectProblem(await api.request("DELETE", path(URL_CHARS_MAX + 1)), 405);
  });

  test("has one Host: with another one it is refused, 400", async () => {
    await using api = await openTestApi();
    const answer = (head: string) => rawRequest(api.url, [head]);
    const twice = (path: string) => `GET ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${ADMIN_TOKEN}\r\nhost: b\r\n\r\n`;
    for (const path of ["/livez", "/v1/sensors"]) {
      const { status, body } = await answer(twice(path));
      expect([path, status, JSON.parse(body)]).toEqual([path, 400, expect.objectContaining({ detail: "Send one Host, and one only." })]);
      expect((await answer(headOf("GET", path, { ...AUTH, host: "a:80" }))).status).toBe(200);
    }
    expect((await answer(twice("/nowhere"))).status).toBe(404);
  });

  test("has a head of so many bytes and headers at most: Bun answers 431 and closes", async () => {
    await using api = await openTestApi();
    const status = async (more: Record<string, string>) => (await rawRequest(api.url, [headOf("GET", "/livez", more)])).status;
    expect(await status({ x: "a".repeat(15 * 1024) })).toBe(200);
    const long = await refusedHead(api.url, headOf("GET", "/livez", { x: "a".repeat(17 * 1024) }));
    expect(long).toStartWith("HTTP/1.1 431 ");
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`x${index}`, "a"]));
    expect(await status(many(150))).toBe(200);
    expect(await refusedHead(api.url, headOf("GET", "/livez", many(250)))).toStartWith("HTTP/1.1 431 ");
  });
});

/** Sends a byte now and then until the connection is closed. */
async function dribble(url: string, head: string, piece: string): Promise<{ text: string; socket: Socket }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = "";
  socket.on("data", (data) => {
    text += data.toString();
  });
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.write(head + piece);
  const dribbling = setInterval(() => socket.write(head.includes("chunked") ? "1\r\n \r\n" : " "), 20);
  await closed;
  clearInterval(dribbling);
  return { text, socket };
}

async function refusedHead(url: string, head: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = "";
  socket.on("data", (data) => {
    text += data.toString();
  });
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.write(head);
  await closed;
  return text;
}
