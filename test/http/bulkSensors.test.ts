import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Fault } from "../../src/domain/fault";
import type { Reach } from "../../src/domain/reach";
import { METADATA_BYTES_MAX } from "../../src/domain/sensor";
import { hashToken } from "../../src/domain/token";
import { openTestApi, type TestApi } from "./api";
import { REPORTS, sendItems, sendTexts, SENSORS, statusesOf } from "./bulkBodies";
import { expectProblem } from "./problem";
import { untaggedToken } from "./untaggedToken";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const version = async (id: string) => (await api.request("GET", `/v1/sensors/${id}`)).json<{ version: number }>().version;

describe("many sensors", () => {
  for (const form of ["json", "lines"] as const) {
    test(`as ${form} are registered, replaced or left as they are, each by itself`, async () => {
      await api.request("POST", "/v1/sensors", { json: { id: `${form}-1`, name: "one", labels: { site: "north" } } });
      const items = [
        { id: `${form}-1`, name: "one", labels: { site: "north" } },
        { id: `${form}-2`, heartbeat: { intervalSeconds: 30 } },
        { id: `${form}-1`, name: "uno" },
        { id: "no id", colour: "red" },
        { id: `${form}-3`, heartbeat: { intervalSeconds: 1 } },
        { id: `${form}-4`, metadata: { m: "x".repeat(METADATA_BYTES_MAX) } },
      ];
      const { status, answer: _, ...result } = await sendItems(api, SENSORS, items, { form });
      expect(status).toBe(200);
      expect(result).toMatchObject({ accepted: 3, refused: 3, stopped: null });
      expect(result.items.slice(0, 3)).toEqual([
        { index: 0, status: 200, outcome: "unchanged", version: 1 },
        { index: 1, status: 201, outcome: "created", version: 1 },
        { index: 2, status: 200, outcome: "replaced", version: 2 },
      ]);
      expect(result.items.slice(3).map(({ status: each, errors }) => [each, errors?.map(({ pointer }) => pointer).toSorted()])).toEqual([
        [422, ["/colour", "/id"]],
        [422, ["/heartbeat/intervalSeconds"]],
        [422, ["/metadata"]],
      ]);
      expect((await api.request("GET", `/v1/sensors/${form}-2`)).json()).toMatchObject({
        name: `${form}-2`,
        heartbeat: { intervalSeconds: 30, graceSeconds: 0 },
      });
      expect(await version(`${form}-1`)).toBe(2);
      for (const id of [3, 4]) expectProblem(await api.request("GET", `/v1/sensors/${form}-${id}`), 404);
    });
  }

  test("sent again and again are no edit", async () => {
    const items = Array.from({ length: 700 }, (_, index) => ({
      id: `again-${index}`,
      labels: { room: String(index % 7) },
      metadata: { n: index },
    }));
    const headers = { prefer: "return=minimal" };
    const outcomes = async () => new Set((await sendItems(api, SENSORS, items)).items.map(({ outcome }) => outcome));
    expect(await sendItems(api, SENSORS, items, { headers })).toMatchObject({ status: 200, accepted: 700, refused: 0, items: [] });
    const before = await api.store.sensorsEditedAfter(0, 0);
    expect([...(await outcomes())]).toEqual(["unchanged"]);
    expect((await api.store.sensorsEditedAfter(0, 0)).registryVersion).toBe(before.registryVersion);
    items[5] = { ...(items[5] as (typeof items)[0]), labels: { room: "other" } };
    expect(await outcomes()).toEqual(new Set(["unchanged", "replaced"]));
    expect((await api.store.sensorsEditedAfter(0, before.registryVersion)).sensors.map(({ sensor }) => sensor.id)).toEqual(["again-5"]);
  });

  test("that cannot be read are refused by themselves", async () => {
    const long = JSON.stringify({ id: "long", metadata: { m: "x".repeat(300_000) } });
    const result = await sendTexts(api, SENSORS, ["{", '{"id":"read"}', long, "[]", '{"id":"read"}']);
    expect(statusesOf(result)).toEqual([400, 201, 413, 422, 200]);
    expectProblem(await api.request("PUT", "/v1/sensors", { body: '{"id":"read"}' }), 400);
  });

  test("get 503 each while the store is away", async () => {
    await using away = await openTestApi({
      store: (real) => ({ ...real, upsertSensors: () => Promise.reject(new Fault("unavailable", "the database is away")) }),
    });
    const result = await sendItems(away, SENSORS, [{ id: "a" }, {}, { id: "b" }]);
    expect([result.status, ...statusesOf(result)]).toEqual([200, 503, 422, 503]);
  });
});

describe("a token", () => {
  const mint = async (reach: Reach, scopes: string[]): Promise<string> => {
    const token = untaggedToken();
    await api.store.createToken({ id: token, name: "limited", hash: hashToken(token), scopes, expiresAt: null, reach });
    return token;
  };
  beforeAll(async () => {
    await sendItems(api, SENSORS, [
      { id: "n", labels: { site: "north" } },
      { id: "s", labels: { site: "south" } },
    ]);
  });

  test("without the scope may do neither", async () => {
    const token = await mint({ sensorId: "n" }, ["sensors:read"]);
    for (const bulk of [REPORTS, SENSORS]) {
      const { status, answer } = await sendItems(api, bulk, [], { token });
      expect([status, answer.text.includes("scope")]).toEqual([403, true]);
    }
  });

  test("limited to labels reports for the sensors that carry them, as if there were no others", async () => {
    const token = await mint({ labels: { site: "north" } }, ["reports:write"]);
    const items = ["n", "s", "nobody"].map((sensorId) => ({ sensorId, status: "ok" }));
    const result = await sendItems(api, REPORTS, items, { token });
    expect(statusesOf(result)).toEqual([202, 404, 404]);
    expect(result.items[1]?.detail).toBe("There is no sensor s.");
    for (const [index, { sensorId }] of items.entries()) {
      const single = await api.request("POST", `/v1/sensors/${sensorId}/reports`, { json: { status: "ok" }, token });
      expect([single.status, single.json<{ detail?: string }>().detail]).toEqual([
        result.items[index]?.status as number,
        result.items[index]?.detail,
      ]);
    }
  });

  test("limited to one sensor reports for that one, known or not", async () => {
    const token = await mint({ sensorId: "new-one" }, ["reports:write"]);
    const result = await sendItems(
      api,
      REPORTS,
      ["new-one", "n"].map((sensorId) => ({ sensorId, status: "ok" })),
      { token },
    );
    expect(statusesOf(result)).toEqual([202, 404]);
  });

  test("limited to labels puts sensors that carry them, and touches no others", async () => {
    const token = await mint({ labels: { site: "north" } }, ["sensors:write"]);
    const north = { labels: { site: "north" } };
    const items = [
      { id: "n", name: "N", ...north },
      { id: "s", ...north },
      { id: "n-2", ...north },
      { id: "n", labels: {} },
      { id: "free" },
    ];
    const result = await sendItems(api, SENSORS, items, { token });
    expect(statusesOf(result)).toEqual([200, 404, 201, 404, 404]);
    expect((await api.request("GET", "/v1/sensors/s")).json()).toMatchObject({ labels: { site: "south" }, version: 1 });
    expectProblem(await api.request("GET", "/v1/sensors/free"), 404);
  });
});

describe("the key of a report", () => {
  const post = (json: object, key: string) =>
    api.request("POST", "/v1/sensors/boiler-7/reports", { json, headers: { "idempotency-key": key } });
  const last = () => JSON.parse(api.reports.published.at(-1)?.text ?? "") as object;

  test("is its id, where it has none of its own", async () => {
    expect((await post({ status: "ok" }, "k-1")).status).toBe(202);
    expect(last()).toEqual({ status: "ok", id: "k-1" });
    expect((await post({ status: "ok", id: "own" }, "k-2")).status).toBe(202);
    expect(last()).toEqual({ status: "ok", id: "own" });
    // It is the log that tells repeats apart: every one is answered for itself.
    const [one, two] = [await post({ status: "ok" }, "k-3"), await post({ status: "hot" }, "k-3")];
    expect([one.status, two.status]).toEqual([202, 202]);
    expect(one.json<{ sequence: number }>().sequence).toBeLessThan(two.json<{ sequence: number }>().sequence);
  });

  test("must be one that a report can have", async () => {
    expect((await post({ status: "ok" }, "k".repeat(128))).status).toBe(202);
    for (const key of ["k".repeat(129), "ü"]) expectProblem(await post({ status: "ok" }, key), 422);
  });
});
