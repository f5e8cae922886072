import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createClient, type Sensor, type Tocsin, TocsinProblem } from "../../src/client/index";
import { addressOf } from "../../src/client/transport";
import { ADMIN_TOKEN, openTestApi, type TestApi } from "../http/api";

let api: TestApi;
let tocsin: Tocsin;

beforeAll(async () => {
  api = await openTestApi();
  tocsin = createClient({ url: `${api.url}/`, token: ADMIN_TOKEN });
});
afterAll(() => api[Symbol.asyncDispose]());

function thrownBy(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => new Error("nothing was thrown"),
    (error: unknown) => error,
  );
}

describe("a call", () => {
  test("gives what the API answers, by each method", async () => {
    const created = await tocsin.post("/v1/sensors", { body: { id: "boiler-7", labels: { site: "north" } } });
    expect(created).toMatchObject({ id: "boiler-7", version: 1 });
    const path = { id: "boiler-7" };
    const replaced = await tocsin.put("/v1/sensors/{id}", { path, body: { name: "Boiler 7" }, headers: { "if-match": '"1"' } });
    expect(replaced).toMatchObject({ name: "Boiler 7", labels: {}, version: 2 });
    const patched = await tocsin.patch("/v1/sensors/{id}", { path, body: { labels: { site: "south" } } });
    expect(patched).toMatchObject({ labels: { site: "south" }, version: 3 });
    expect(await tocsin.get("/v1/sensors/{id}", { path })).toEqual(patched);
    expect(await tocsin.report("boiler-7", { status: "ok" })).toMatchObject({ duplicate: false });
    expect(await tocsin.delete("/v1/sensors/{id}", { path })).toBeUndefined();
    expect(await tocsin.get("/metrics")).toContain("# HELP");
  });

  test("sends the token of now", async () => {
    const tokens = ["wrong", ADMIN_TOKEN];
    const changing = createClient({ url: api.url, token: async () => tokens.shift() as string });
    expect(await thrownBy(changing.get("/v1/statuses"))).toMatchObject({ status: 401 });
    expect((await changing.get("/v1/statuses")).items.length).toBeGreaterThan(0);
  });

  test("throws what the API refuses, with what is wrong", async () => {
    const error = await thrownBy(tocsin.post("/v1/sensors", { body: { id: "a b" } }));
    expect(error).toBeInstanceOf(TocsinProblem);
    expect(error).toMatchObject({
      name: "TocsinProblem",
      status: 422,
      type: "urn:tocsin:problem:invalid",
      message: "The body is not valid.",
      errors: [{ pointer: "/id" }],
      retryAfterMs: null,
    });
    expect((error as TocsinProblem).requestId).toMatch(/^[\w-]{36}$/);
  });

  test("ends in time, and when it is told to", async () => {
    using never = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Promise<Response>(() => {}) });
    const hasty = createClient({ url: never.url.href, timeoutMs: 20 });
    expect(await thrownBy(hasty.get("/v1/statuses"))).toMatchObject({ name: "TimeoutError" });
    const signal = AbortSignal.abort(new Error("enough"));
    expect(await thrownBy(tocsin.get("/v1/statuses", { signal }))).toMatchObject({ message: "enough" });
  });

  test("throws a problem for an answer of somebody else's, too", async () => {
    using proxy = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response("<h1>Bad Gateway</h1>", { status: 502, headers: { "retry-after": "7", "content-type": "text/html" } }),
    });
    const error = await thrownBy(createClient({ url: proxy.url.href }).get("/v1/statuses"));
    expect(error).toMatchObject({ status: 502, type: "about:blank", message: "<h1>Bad Gateway</h1>", requestId: null, retryAfterMs: 7000 });
  });
});

describe("an address", () => {
  test("holds each segment and each value as it is", () => {
    expect(addressOf("/v1/a/{id}/b/{keyId}", { path: { id: "x/y?", keyId: "é" } })).toBe("/v1/a/x%2Fy%3F/b/%C3%A9");
    expect(addressOf("/v1/a", { query: { label: ["site:north", "a&b"], limit: 3, gone: undefined } })).toBe(
      "/v1/a?label=site%3Anorth&label=a%26b&limit=3",
    );
  });

  test.each(["", ".", ".."])("does not lead elsewhere: %p", (id) => {
    expect(() => addressOf("/v1/a/{id}", { path: { id } })).toThrow(/id is needed/);
  });
});

describe("pages", () => {
  test("give all items, and ask only for those that are wanted", async () => {
    const ids = Array.from({ length: 7 }, (_, index) => `paged-${index}`);
    for (const id of ids) await tocsin.post("/v1/sensors", { body: { id, labels: { paged: "yes" } } });
    const query = { label: ["paged:yes"], limit: 2 };
    const all: Sensor[] = await Array.fromAsync(tocsin.pages("/v1/sensors", { query }));
    expect(all.map(({ id }) => id)).toEqual(ids);

    const asked: string[] = [];
    const watched = createClient({
      url: api.url,
      token: ADMIN_TOKEN,
      fetch: (url, init) => {
        asked.push(url);
        return fetch(url, init);
      },
    });
    for await (const { id } of watched.pages("/v1/sensors", { query })) if (id === "paged-2") break;
    expect(asked).toHaveLength(2);
  });
});

describe("lines", () => {
  test("give what is exported, one by one", async () => {
    await tocsin.post("/v1/sensors", { body: { id: "lined-1", labels: { lined: "yes" } } });
    await tocsin.post("/v1/sensors", { body: { id: "lined-2", labels: { lined: "yes" } } });
    const sensors = await Array.fromAsync(tocsin.lines("/v1/exports/sensors", { query: { label: ["lined:yes"] } }));
    expect(sensors.map(({ id }) => id)).toEqual(["lined-1", "lined-2"]);
  });

  test("throw what they could not be completed for", async () => {
    const problem = { type: "urn:tocsin:problem:unavailable", title: "T", status: 503, detail: "away", errors: [], requestId: "r" };
    using broken = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () =>
        new Response(`{"id":"a"}\n${JSON.stringify({ error: problem })}\n`, { headers: { "content-type": "application/x-ndjson" } }),
    });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { id } of createClient({ url: broken.url.href }).lines("/v1/exports/sensors")) seen.push(id);
    })();
    expect(await thrownBy(reading)).toMatchObject({ name: "TocsinProblem", status: 503, message: "away" });
    expect(seen).toEqual(["a"]);
  });
});

describe("many reports", () => {
  const items = Array.from({ length: 25 }, (_, index) => ({
    sensorId: `many-${index % 5}`,
    status: index === 13 ? "Not A Status" : "ok",
    value: index,
  }));

  test("go in a few requests, and each has its result, in their order", async () => {
    const published = api.reports.published.length;
    async function* slowly() {
      for (const item of items) yield item;
    }
    const results = await Array.fromAsync(tocsin.reports(slowly(), { itemsPerRequest: 10 }));
    expect(results.map(({ index }) => index)).toEqual(items.map((_, index) => index));
    expect(results.filter(({ status }) => status !== 202)).toEqual([
      { index: 13, status: 422, errors: [expect.objectContaining({ pointer: "/status" })], detail: expect.any(String) as string },
    ] as never);
    expect(api.reports.published.slice(published).map(({ text }) => (JSON.parse(text) as { value: number }).value)).toEqual(
      items.map(({ value }) => value).filter((value) => value !== 13),
    );
  });

  test("are refused as a whole with a problem", async () => {
    const { token } = await api.mint(["sensors:read"]);
    const reader = createClient({ url: api.url, token });
    expect(await thrownBy(Array.fromAsync(reader.reports(items)))).toMatchObject({ name: "TocsinProblem", status: 403 });
  });
});
