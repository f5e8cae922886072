import { describe, expect, test } from "bun:test";
import { Fault } from "../../src/domain/fault";
import { createExports, EXPORTS_AT_ONCE_MAX, EXPORTS_PER_CALLER_MAX, type ExportWish } from "../../src/http/exportStream";
import type { SensorRecord, Store } from "../../src/store/store";
import { until } from "../until";
import { ADMIN_TOKEN, openTestApi, type TestApi } from "./api";
import { expectProblem } from "./problem";
import { SlowReader } from "./slowReader";

const SENSORS = "/v1/exports/sensors";
/** What the sockets of both sides take by themselves is a few MiB: far fewer pages than these, of half a MiB each. */
const PAGES_ON_THE_WAY_MAX = 60;

interface Endless {
  readonly api: TestApi;
  /** How many pages were read. */
  pages(): number;
  /** From this page on, what reading fails with. */
  failAt(page: number, failure: Error): void;
}

/** An API whose sensors never end. */
async function openEndless(): Promise<Endless & AsyncDisposable> {
  let pages = 0;
  let failing: { readonly page: number; readonly failure: Error } | null = null;
  let sample: SensorRecord | null = null;
  const listSensors: Store["listSensors"] = async (_, { limit }) => {
    pages += 1;
    if (failing !== null && pages >= failing.page) throw failing.failure;
    const items = Array.from({ length: limit }, () => sample as SensorRecord);
    return { items, nextCursor: "x" };
  };
  const api = await openTestApi({ store: (real) => ({ ...real, listSensors }) });
  await api.request("POST", "/v1/sensors", { json: { id: "boiler-7", metadata: { text: "x".repeat(2000) } } });
  sample = await api.store.getSensor("boiler-7");
  return {
    api,
    pages: () => pages,
    failAt(page, failure) {
      failing = { page, failure };
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

describe("an export", () => {
  test("is read from the store no faster than its client takes it, and not at all once that is gone", async () => {
    await using endless = await openEndless();
    const reader = await SlowReader.open(endless.api.url, SENSORS, ADMIN_TOKEN);
    expect(reader.status).toBe(200);
    // Whoever read on regardless would have read hundreds of pages in this time.
    for (let count = 0; count < 300; count += 1) await endless.api.request("GET", "/v1/sensors/boiler-7");
    expect(endless.pages()).toBeLessThan(PAGES_ON_THE_WAY_MAX);
    const before = endless.pages();
    void reader.readOn();
    await until(() => endless.pages() > before + PAGES_ON_THE_WAY_MAX, "it is not read on");
    reader[Symbol.dispose]();
    for (let last = -1; last !== endless.pages();) {
      last = endless.pages();
      for (let count = 0; count < 50; count += 1) await endless.api.request("GET", "/v1/sensors/boiler-7");
    }
    expect(endless.api.faults).toEqual([]);
  });

  test("that finds nothing ends, too, once its client is gone", async () => {
    let pages = 0;
    const listChanges: Store["listChanges"] = async () => {
      pages += 1;
      return { items: [], nextCursor: "x" };
    };
    await using api = await openTestApi({ store: (real) => ({ ...real, listChanges }) });
    const leave = new AbortController();
    const left = fetch(`${api.url}/v1/exports/changes`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` }, signal: leave.signal });
    await until(() => pages > 100, "it is not read");
    leave.abort();
    await expect(left).rejects.toThrow();
    await until(async () => {
      const before = pages;
      for (let count = 0; count < 20; count += 1) await api.request("GET", "/livez");
      return pages === before;
    }, "it is read on");
  });

  test("of which too many run is refused, until one of them has ended", async () => {
    await using endless = await openEndless();
    const readers: SlowReader[] = [];
    const tokens = await Promise.all([1, 2, 3].map(async () => (await endless.api.mint(["sensors:read"])).token));
    for (let count = 0; count < EXPORTS_AT_ONCE_MAX; count += 1) {
      const token = tokens[Math.floor(count / EXPORTS_PER_CALLER_MAX)] as string;
      readers.push(await SlowReader.open(endless.api.url, SENSORS, token));
    }
    const [token] = tokens as [string];
    for (const path of [SENSORS, "/v1/exports/changes"]) {
      for (const [status, whose] of [
        [429, token],
        [503, tokens[2] as string],
      ] as const) {
        const refused = await endless.api.request("GET", path, { token: whose });
        expectProblem(refused, status);
        expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
      }
    }
    readers[0]?.[Symbol.dispose]();
    await until(async () => (await endless.api.request("GET", "/v1/exports/changes")).status === 200, "there is no room again");
    for (const reader of readers) reader[Symbol.dispose]();
  });

  test("is there for others while one caller has as many as it may", async () => {
    await using endless = await openEndless();
    const { token } = await endless.api.mint(["sensors:read"]);
    const mine: SlowReader[] = [];
    for (let count = 0; count < EXPORTS_PER_CALLER_MAX; count += 1) mine.push(await SlowReader.open(endless.api.url, SENSORS, token));
    expectProblem(await endless.api.request("GET", "/v1/exports/changes", { token }), 429);
    using other = await SlowReader.open(endless.api.url, SENSORS, ADMIN_TOKEN);
    expect(other.status).toBe(200);
    mine[0]?.[Symbol.dispose]();
    const asked = () => endless.api.request("GET", "/v1/exports/changes", { token });
    await until(async () => (await asked()).status === 200, "there is no room for it again");
    for (const reader of mine) reader[Symbol.dispose]();
  });

  test("that fails midway ends with the problem in a line, and is cut off", async () => {
    await using endless = await openEndless();
    endless.failAt(3, new Fault("unavailable", "the database is away"));
    using reader = await SlowReader.open(endless.api.url, SENSORS, ADMIN_TOKEN);
    expect(reader.status).toBe(200);
    expect(await reader.readOn()).toBe("cut");
    const last = /\{"error":(\{.*\})\}\n/.exec(reader.text)?.[1];
    expect(JSON.parse(last ?? "{}")).toMatchObject({ status: 503, detail: "the database is away", type: "urn:tocsin:problem:unavailable" });
    expect(reader.text.match(/"id":"boiler-7"/g)?.length).toBeGreaterThan(100);
    endless.failAt(endless.pages() + 3, new Fault("unavailable", "the database is away"));
    await expect(endless.api.request("GET", SENSORS)).rejects.toThrow();
  });

  test("as CSV that fails midway is cut off without a word, and a fault of ours is logged and not shown", async () => {
    await using endless = await openEndless();
    const failure = new Error("a secret of the server");
    endless.failAt(3, failure);
    using reader = await SlowReader.open(endless.api.url, `${SENSORS}?format=csv`, ADMIN_TOKEN);
    expect(reader.status).toBe(200);
    expect(await reader.readOn()).toBe("cut");
    expect(reader.text).not.toMatch(/a secret|error/);
    expect(reader.text.match(/\nboiler-7,/g)?.length).toBeGreaterThan(100);
    expect(expectProblem(await endless.api.request("GET", SENSORS), 500).detail).not.toContain("a secret");
    expect(endless.api.faults).toEqual([failure, failure]);
  });

  test("is cut off once its token is revoked", async () => {
    await using endless = await openEndless();
    const { id, token } = await endless.api.mint(["sensors:read"]);
    using reader = await SlowReader.open(endless.api.url, SENSORS, token);
    expect(reader.status).toBe(200);
    expect((await endless.api.request("DELETE", `/v1/tokens/${id}`)).status).toBe(204);
    expect(await reader.readOn()).toBe("cut");
    expect(reader.text).toMatch(/\{"error":\{[^\n]*"status":401/);
  });

  test("is cut off when its node stops, which does not wait for it", async () => {
    await using endless = await openEndless();
    using reader = await SlowReader.open(endless.api.url, SENSORS, ADMIN_TOKEN);
    const ended = reader.readOn();
    await endless.api.stop(50);
    expect(await ended).toBe("cut");
  });
});

describe("an export whose client takes nothing", () => {
  const wish: ExportWish<string> = {
    name: "test",
    format: { type: "text/plain", extension: "txt", head: "", lineOf: (row) => row, failureLineOf: null },
    call: { requestId: "1", caller: null, address: "192.0.2.1", stillLetIn: async () => true },
    page: async () => ({ items: ["x"], nextCursor: "more" }),
  };

  test("is cut off after a time, and makes room for others", async () => {
    const exports = createExports({ answerFailure: () => new Response("{}"), stalledMs: 1000 });
    const opened = await Promise.all(Array.from({ length: EXPORTS_PER_CALLER_MAX }, () => exports.open(wish)));
    await expect(exports.open(wish)).rejects.toThrow("try again");
    // For as many as before: whoever was not cut off yet would read on for ever.
    await until(async () => {
      const again = await Promise.allSettled(opened.map(() => exports.open(wish)));
      for (const each of again) if (each.status === "fulfilled") await each.value.body?.cancel();
      return again.every(({ status }) => status === "fulfilled");
    }, "there is no room again");
    for (const response of opened) await expect(response.text()).rejects.toBeUndefined();
  });

  test("is cut off, too, when it takes a little for hours", async () => {
    let now = 0;
    const exports = createExports({ answerFailure: (error) => new Response(String(error)), clock: () => now });
    const response = await exports.open(wish);
    const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    expect((await reader.read()).done).toBe(false);
    now += 3600_001;
    const read = async () => {
      for (;;) await reader.read();
    };
    await expect(read()).rejects.toBeUndefined();
  });
});
