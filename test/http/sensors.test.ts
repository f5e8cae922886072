import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { LABELS_MAX, METADATA_BYTES_MAX } from "../../src/domain/sensor";
import { type Answer, openTestApi, type TestApi } from "./api";
import { fillHistory } from "./history";
import { expectProblem, pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const BOILER = {
  name: "Boiler 7",
  labels: { site: "north" },
  metadata: { floor: 2 },
  heartbeat: { intervalSeconds: 30, graceSeconds: 10 },
};

interface Shown {
  readonly id: string;
  readonly version: number;
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly metadata: Record<string, unknown>;
  readonly heartbeat: unknown;
}

let counter = 0;
async function registered(settings: object = BOILER): Promise<{ id: string; etag: string }> {
  const id = `sensor-${(counter += 1)}`;
  const answer = await api.request("POST", "/v1/sensors", { json: { id, ...settings } });
  expect(answer.status).toBe(201);
  return { id, etag: answer.headers.get("etag") as string };
}
const shown = async (id: string) => (await api.request("GET", `/v1/sensors/${id}`)).json<Shown>();

describe("a sensor", () => {
  test("is registered, shown, replaced and deleted", async () => {
    const made = await api.request("POST", "/v1/sensors", { json: { id: "boiler-7", ...BOILER } });
    expect(made.status).toBe(201);
    expect(made.headers.get("location")).toBe("/v1/sensors/boiler-7");
    expect(made.headers.get("etag")).toBe('"1"');
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
    const state = {
      status: null,
      severity: null,
      availability: "pending",
      since: null,
      lastReportedAt: null,
      lastReceivedAt: null,
      revision: 0,
    };
    expect(made.json()).toEqual({ id: "boiler-7", ...BOILER, state, createdAt: time, updatedAt: time, version: 1 });
    expect((await api.request("GET", "/v1/sensors/boiler-7")).json()).toEqual(made.json());

    const replaced = await api.request("PUT", "/v1/sensors/boiler-7", { json: { id: "boiler-7", labels: { room: "1" } } });
    expect(replaced.status).toBe(200);
    expect(replaced.headers.get("etag")).toBe('"2"');
    expect(replaced.json()).toMatchObject({ name: "boiler-7", labels: { room: "1" }, metadata: {}, heartbeat: null, version: 2 });

    const gone = await api.request("DELETE", "/v1/sensors/boiler-7");
    expect({ status: gone.status, text: gone.text }).toEqual({ status: 204, text: "" });
    for (const [method, json] of [["GET"], ["DELETE"], ["PATCH", {}]] as [string, object?][]) {
      expectProblem(await api.request(method, "/v1/sensors/boiler-7", json === undefined ? {} : { json }), 404);
    }
    expect((await api.request("POST", "/v1/sensors", { json: { id: "boiler-7" } })).json()).toMatchObject({ name: "boiler-7", version: 3 });
  });

  test("is registered once: the second time is a 409", async () => {
    const { id } = await registered();
    expectProblem(await api.request("POST", "/v1/sensors", { json: { id } }), 409);
  });

  test("shows what is believed of it", async () => {
    const { id } = await registered();
    await fillHistory(api.store, id, { reports: 3, deadLetters: [] });
    const at = "2026-11-23T10:00:02.000Z";
    const { state } = (await api.request("GET", `/v1/sensors/${id}`)).json<{ state: unknown }>();
    expect(state).toEqual({
      status: "overheated",
      severity: "critical",
      availability: "online",
      since: at,
      lastReportedAt: at,
      lastReceivedAt: at,
      revision: 3,
    });
  });

  test("that cannot be is a 422 which points at every reason", async () => {
    const pointers = async (settings: object) =>
      pointersOf(await api.request("POST", "/v1/sensors", { json: { id: "wrong", ...settings } }));
    expect(await pointers({ name: 7, labels: { site: 1 }, metadata: [], heartbeat: "5s", colour: "red" })).toEqual([
      "/colour",
      "/heartbeat",
      "/labels/site",
      "/metadata",
      "/name",
    ]);
    expect(await pointers({ name: "" })).toEqual(["/name"]);
    expect(await pointers({ name: "x".repeat(257) })).toEqual(["/name"]);
    expect(await pointers({ name: "a\u0000b" })).toEqual(["/name"]);
    expect(await pointers({ name: "a\ud800b" })).toEqual(["/name"]);
    expect(await pointers({ labels: { "a b": "x" } })).toEqual(["/labels/a b"]);
    expect(await pointers({ labels: { a: "x".repeat(257) } })).toEqual(["/labels/a"]);
    expect(await pointers({ labels: Object.fromEntries(Array.from({ length: LABELS_MAX + 1 }, (_, index) => [`k${index}`, ""])) })).toEqual(
      ["/labels"],
    );
    expect(await pointers({ labels: JSON.parse('{"__proto__":"x"}') as object })).toEqual(["/labels/__proto__"]);
    expect(await pointers({ metadata: { text: "x".repeat(METADATA_BYTES_MAX) } })).toEqual(["/metadata"]);
    expect(await pointers({ metadata: { text: "a\u0000b" } })).toEqual(["/metadata"]);
    expect(await pointers({ metadata: { "\udc00": 1 } })).toEqual(["/metadata"]);
    expect(await pointers({ heartbeat: { intervalSeconds: 4, graceSeconds: 0 } })).toEqual(["/heartbeat/intervalSeconds"]);
    expect(await pointers({ heartbeat: { intervalSeconds: 3, graceSeconds: 1 } })).toEqual(["/heartbeat/intervalSeconds"]);
    expect(await pointers({ heartbeat: { intervalSeconds: "30" } })).toEqual(["/heartbeat/intervalSeconds"]);
    expect(await pointers({ heartbeat: { intervalSeconds: 0.5, graceSeconds: 10 } })).toEqual(["/heartbeat/intervalSeconds"]);
    expect(await pointers({ heartbeat: { intervalSeconds: 30, graceSeconds: 1, every: 1 } })).toEqual(["/heartbeat/every"]);
    expect(await pointers({ heartbeat: { graceSeconds: 10 } })).toEqual(["/heartbeat/intervalSeconds"]);
    expect(await pointers({ heartbeat: { intervalSeconds: 1e12, graceSeconds: -1 } })).toEqual([
      "/heartbeat/graceSeconds",
      "/heartbeat/intervalSeconds",
    ]);
  });

  test("keeps odd but honest text as it is", async () => {
    const odd = {
      name: "Käse 🔔 \\u0000",
      labels: { a: "x,y:z", b: "" },
      metadata: { __proto__x: 1, path: "C:\\u0000\\ud800", deep: { n: null } },
    };
    const { id } = await registered(odd);
    expect(await shown(id)).toMatchObject(odd);
  });

  test("may have a heartbeat of five seconds in all", async () => {
    const { id } = await registered({ heartbeat: { intervalSeconds: 5 } });
    expect((await shown(id)).heartbeat).toEqual({ intervalSeconds: 5, graceSeconds: 0 });
  });
});

describe("a patch", () => {
  const patch = (id: string, json: unknown, more: object = {}) =>
    api.request("PATCH", `/v1/sensors/${id}`, { json, type: "application/merge-patch+json", ...more });

  test("merges: null takes out, objects are merged, the rest replaces and stays", async () => {
    const { id } = await registered({ ...BOILER, labels: { site: "north", room: "1" }, metadata: { a: { b: 1, c: [1, 2] }, d: 1 } });
    const answer = await patch(id, {
      labels: { room: null, floor: "2" },
      metadata: { a: { b: null, c: [3] } },
      heartbeat: { graceSeconds: 20 },
    });
    expect(answer.json()).toMatchObject({
      name: "Boiler 7",
      labels: { site: "north", floor: "2" },
      metadata: { a: { c: [3] }, d: 1 },
      heartbeat: { intervalSeconds: 30, graceSeconds: 20 },
      version: 2,
    });
    expect((await patch(id, { name: null, labels: null, metadata: null, heartbeat: null })).json()).toMatchObject({
      name: id,
      labels: {},
      metadata: {},
      heartbeat: null,
    });
    expect((await patch(id, {}, { type: "application/json" })).status).toBe(200);
  });

  test("that gives no valid sensor is a 422 and changes nothing", async () => {
    const { id } = await registered();
    const before = await shown(id);
    expect(pointersOf(await patch(id, { heartbeat: { intervalSeconds: 1, graceSeconds: 1 } }))).toEqual(["/heartbeat/intervalSeconds"]);
    expect(pointersOf(await patch(id, { heartbeat: { intervalSeconds: null } }))).toEqual(["/heartbeat/intervalSeconds"]);
    expect(pointersOf(await patch(id, { labels: { "a b": "x" } }))).toEqual(["/labels/a b"]);
    expect(pointersOf(await patch(id, { id: "other" }))).toEqual(["/id"]);
    expect(pointersOf(await patch(id, { metadata: { x: "x".repeat(METADATA_BYTES_MAX) } }))).toEqual(["/metadata"]);
    expect(pointersOf(await patch(id, { state: {} }))).toEqual(["/state"]);
    expectProblem(await patch(id, [1]), 422);
    expect(await shown(id)).toEqual(before);
    const { id: bare } = await registered({});
    expect(pointersOf(await patch(bare, { heartbeat: { graceSeconds: 9 } }))).toEqual(["/heartbeat/intervalSeconds"]);
  });

  test("loses no edit that came in between", async () => {
    await using raced = await openTestApi({ store: (real) => withEditBefore(real) });
    await raced.request("POST", "/v1/sensors", { json: { id: "raced", labels: { a: "1" } } });
    const answer = await raced.request("PATCH", "/v1/sensors/raced", { json: { labels: { mine: "1" } } });
    expect(answer.json<Shown>().labels).toEqual({ a: "1", theirs: "1", mine: "1" });
    const { version } = answer.json<Shown>();
    expect(version).toBe(3);
  });
});

/** A store in which somebody else edits the sensor between our first reading and our first writing. */
function withEditBefore(real: TestApi["store"]): TestApi["store"] {
  let edited = false;
  return {
    ...real,
    async updateSensor(draft, expectedVersion) {
      const found = await real.getSensor(draft.id);
      if (!edited && found !== null) {
        edited = true;
        await real.updateSensor({ ...draft, labels: { ...found.sensor.labels, theirs: "1" } }, null);
      }
      return real.updateSensor(draft, expectedVersion);
    },
  };
}

describe("an edit that names its version", () => {
  const edits = (id: string, etag: string) =>
    (
      [
        ["PUT", { json: {} }],
        ["PATCH", { json: {} }],
        ["DELETE", {}],
      ] as const
    ).map(
      ([method, sent]) =>
        () =>
          api.request(method, `/v1/sensors/${id}`, { ...sent, headers: { "if-match": etag } }),
    );

  test("is refused when it is not the current one: 412", async () => {
    const { id } = await registered();
    await api.request("PATCH", `/v1/sensors/${id}`, { json: { name: "newer" } });
    for (const stale of ['"1"', '"3"', '"none-of-ours"', 'W/"2"']) {
      for (const edit of edits(id, stale)) expectProblem(await edit(), 412);
    }
    expect(await shown(id)).toMatchObject({ name: "newer", version: 2 });
  });

  test("is refused when the tag is weak, or none of ours: 412 with the reason, where there is something to edit", async () => {
    const { id } = await registered();
    for (const [never, reason] of [
      ['W/"1"', "a weak tag never matches"],
      ['"one"', "no version ever had this tag"],
      ['""', "no version ever had this tag"],
    ] as const) {
      for (const edit of edits(id, never)) expect(expectProblem(await edit(), 412).detail).toContain(reason);
      const [put, ...others] = edits("nobody", never);
      expect(expectProblem((await put?.()) as Answer, 412).detail).toContain(reason);
      for (const edit of others) expectProblem(await edit(), 404);
    }
  });

  test("is done when it is, or when any will do", async () => {
    const { id, etag } = await registered();
    const statuses: number[] = [];
    for (const edit of edits(id, etag).slice(0, 1)) statuses.push((await edit()).status);
    for (const edit of edits(id, "*")) statuses.push((await edit()).status);
    expect(statuses).toEqual([200, 200, 200, 204]);
  });

  test("is a 422 when that is no entity tag", async () => {
    const { id } = await registered();
    for (const malformed of ["1", '"1', "abc", '"1" "2"', "w/1", '"1".2', "1.2"]) {
      for (const edit of edits(id, malformed)) expect(pointersOf(await edit())).toEqual(["/if-match"]);
    }
  });
});
