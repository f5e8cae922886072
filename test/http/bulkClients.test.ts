import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { BULK_ITEMS_MAX, BULK_REQUESTS_PER_CALLER_MAX } from "../../src/http/bulk/bulk";
import { until } from "../until";
import { ADMIN_TOKEN, openTestApi, type TestApi } from "./api";
import { bulkResult, LINES, REPORTS, sendItems } from "./bulkBodies";
import { headOf } from "./rawRequest";

let api: TestApi;
let usual: TestApi["reports"]["publish"];
const sockets: Socket[] = [];
beforeAll(async () => {
  api = await openTestApi();
  const { reports } = api;
  usual = reports.publish.bind(reports);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  api.reports.publish = usual;
  api.reports.published.length = 0;
});
afterAll(() => api[Symbol.asyncDispose]());

const one = '{"sensorId":"boiler-7","status":"ok","message":"a report of some length, as they are"}\n';
const many = one.repeat(BULK_ITEMS_MAX);

/** A connection that reads nothing unless it is told to. */
async function silent(): Promise<Socket> {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  socket.pause();
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  return socket;
}

const HEADERS = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": LINES };
const headFor = (bytes: number) => headOf("POST", "/v1/reports", { ...HEADERS, "content-length": String(bytes), connection: "close" });

/** Resolves once the system has all of it. */
function sent(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve, reject) => socket.write(text, (error) => (error ? reject(error) : resolve())));
}

function wholeAnswer(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(Buffer.from(chunk as Uint8Array)));
    socket.on("close", () => resolve(Buffer.concat(chunks).toString()));
    socket.resume();
  });
}

/** The body of an answer in chunks. */
function unchunked(answer: string): { head: string; text: string } {
  const [head = "", ...rest] = answer.split("\r\n\r\n");
  const parts = rest.join("\r\n\r\n").split(/(?:^|\r\n)[0-9a-f]+\r\n/i);
  return { head, text: parts.join("").trimEnd() };
}

describe("a client that", () => {
  test("reads nothing until it has sent everything gets all results", async () => {
    const socket = await silent();
    await sent(socket, headFor(many.length) + many);
    const { head, text } = unchunked(await wholeAnswer(socket));
    expect(head).toStartWith("HTTP/1.1 202");
    const { items, ...counts } = bulkResult({ text, headers: new Headers({ "content-type": LINES }) });
    expect(counts).toEqual({ accepted: BULK_ITEMS_MAX, refused: 0, stopped: null });
    expect(items.map(({ index }) => index)).toEqual(Array.from({ length: BULK_ITEMS_MAX }, (_, index) => index));
  }, 60_000);

  test("sends more than is taken, and reads nothing until then, is told how far it came", async () => {
    const socket = await silent();
    const more = many + one.repeat(20_000);
    await sent(socket, headFor(more.length) + more);
    const { text } = unchunked(await wholeAnswer(socket));
    const summary = JSON.parse(text.split("\n").at(-1) as string) as object;
    expect(summary).toMatchObject({ accepted: BULK_ITEMS_MAX, stopped: { status: 413 } });
  }, 60_000);

  test("never reads holds one of its few places, and no longer than it is there; others have theirs", async () => {
    for (let place = 0; place < BULK_REQUESTS_PER_CALLER_MAX; place += 1) {
      const socket = await silent();
      await sent(socket, headFor(many.length) + many);
    }
    await until(() => api.reports.published.length === BULK_REQUESTS_PER_CALLER_MAX * BULK_ITEMS_MAX, "not all was taken in", 180_000);
    const refused = await sendItems(api, REPORTS, [{ sensorId: "a", status: "ok" }]);
    expect([refused.status, refused.answer.headers.has("retry-after")]).toEqual([429, true]);
    // Nothing else is affected, and nobody else.
    const { token } = await api.mint(["reports:write"]);
    expect((await api.request("POST", "/v1/reports", { json: [{ sensorId: "a", status: "ok" }], token })).status).toBe(202);
    expect((await api.request("POST", "/v1/sensors/a/reports", { json: { status: "ok" } })).status).toBe(202);
    for (const socket of sockets) socket.destroy();
    await until(async () => (await sendItems(api, REPORTS, [{ sensorId: "a", status: "ok" }])).status === 202);
  }, 240_000);

  test("goes away midway leaves what was accepted, and its place", async () => {
    for (let turn = 0; turn <= BULK_REQUESTS_PER_CALLER_MAX; turn += 1) {
      api.reports.published.length = 0;
      const socket = await silent();
      await sent(socket, headFor(many.length) + one.repeat(300) + one.slice(0, 20));
      await until(() => api.reports.published.length === 300);
      socket.destroy();
    }
    await until(async () => (await sendItems(api, REPORTS, [{ sensorId: "a", status: "ok" }])).status === 202);
    expect(api.reports.published.filter(({ sensorId }) => sensorId === "boiler-7")).toHaveLength(300);
  }, 60_000);

  test("is not let in any more while its body comes, has nothing more taken in", async () => {
    const { id, token } = await api.mint(["reports:write"]);
    const socket = await silent();
    const answer = wholeAnswer(socket);
    const headers = { ...HEADERS, authorization: `Bearer ${token}`, "content-length": String(many.length), connection: "close" };
    await sent(socket, headOf("POST", "/v1/reports", headers) + one);
    await until(() => api.reports.published.length === 1);
    expect((await api.request("DELETE", `/v1/tokens/${id}`)).status).toBe(204);
    await sent(socket, one.repeat(300));
    expect(await answer).toContain('{"accepted":1,"refused":0,"stopped":{"status":401,');
    expect(api.reports.published).toHaveLength(1);
  });

  test("dribbles is heard to its end, and the others do not wait for it", async () => {
    const socket = await silent();
    const answer = wholeAnswer(socket);
    const lines = one.repeat(5);
    socket.setNoDelay(true);
    await sent(socket, headFor(lines.length));
    for (let at = 0; at < lines.length; at += 7) {
      await sent(socket, lines.slice(at, at + 7));
      if (at % 70 === 0) expect((await sendItems(api, REPORTS, [{ sensorId: "a", status: "ok" }])).accepted).toBe(1);
    }
    expect(await answer).toContain('{"accepted":5,"refused":0,"stopped":null}');
  }, 60_000);

  test("sends faster than the broker takes is held back: little is on its way at once", async () => {
    let [waiting, bytes, most, mostBytes] = [0, 0, 0, 0];
    let release: (() => void)[] = [];
    api.reports.publish = async (sensorId, payload) => {
      waiting += 1;
      bytes += payload.length;
      most = Math.max(most, waiting);
      mostBytes = Math.max(mostBytes, bytes);
      await new Promise<void>((resolve) => release.push(resolve));
      waiting -= 1;
      bytes -= payload.length;
      return usual(sensorId, payload);
    };
    let answered = 0;
    const sendings = ["m".repeat(10), "m".repeat(4000)].map(async (message) => {
      const items = Array.from({ length: 10_000 }, () => ({ sensorId: "a", status: "ok", message }));
      const { accepted } = await sendItems(api, REPORTS, items, { headers: { prefer: "return=minimal" } });
      answered += 1;
      return accepted;
    });
    for (let before = -1; answered < sendings.length; await Bun.sleep(1)) {
      // The broker answers only once nothing more comes.
      const isHeldBack = waiting === before;
      before = waiting;
      if (!isHeldBack) continue;
      const due = release;
      release = [];
      for (const resolve of due) resolve();
    }
    expect(await Promise.all(sendings)).toEqual([10_000, 10_000]);
    expect(most).toBeGreaterThan(1000);
    expect(most).toBeLessThanOrEqual(4096);
    expect(mostBytes).toBeLessThanOrEqual(8 * 1024 * 1024);
  }, 60_000);
});
