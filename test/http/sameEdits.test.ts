/** An edit that leaves everything as it was is none: answered with what is there, at its version, and nowhere on record. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Answer, openTestApi, type Sent, type TestApi } from "./api";
import { limitedToken } from "./limitedToken";
import { expectProblem, pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const tagOf = (answer: Answer) => answer.headers.get("etag");

interface Entry {
  readonly operation: string;
  readonly status: number | null;
}

/** What is in the audit log of requests that were made meanwhile. */
async function recorded(act: () => Promise<unknown>): Promise<string[]> {
  const entries = async () => (await api.request("GET", "/v1/audit?limit=1000")).json<{ items: Entry[] }>().items;
  const before = (await entries()).length;
  await act();
  return (await entries()).slice(0, -before).map(({ operation, status }) => `${operation} ${status}`);
}

/** Each is answered 200 with what is there, byte for byte, and leaves nothing behind. */
async function changesNothing(path: string, edits: readonly (readonly ["PUT" | "PATCH", Sent])[]): Promise<void> {
  const before = await api.request("GET", path);
  for (const [method, sent] of edits) {
    const left = await recorded(async () => {
      const answer = await api.request(method, path, sent);
      expect([answer.status, answer.text, tagOf(answer)]).toEqual([200, before.text, tagOf(before)]);
    });
    expect(left).toEqual([]);
  }
  expect((await api.request("GET", path)).text).toBe(before.text);
}

const SENSOR = {
  name: "Boiler 7",
  labels: { site: "north", floor: "1" },
  metadata: { maker: { name: "ü", since: 1999 }, spares: [1, 2] },
  heartbeat: { intervalSeconds: 30, graceSeconds: 0 },
};
const SAME_SENSOR = {
  heartbeat: { intervalSeconds: 30 },
  metadata: { spares: [1, 2], maker: { since: 1.999e3, name: "ü" } },
  labels: { floor: "1", site: "north" },
  name: "Boiler 7",
};

describe("of a sensor", () => {
  const path = "/v1/sensors/boiler-7";
  beforeAll(async () => {
    expect((await api.request("PUT", path, { json: SENSOR })).status).toBe(201);
  });

  test("it is answered with what is there, whatever the order of members", () =>
    changesNothing(path, [
      ["PUT", { json: SAME_SENSOR }],
      ["PUT", { json: { id: "boiler-7", ...SENSOR }, headers: { "if-match": '"1"' } }],
      ["PUT", { json: SENSOR, headers: { "if-match": "*" } }],
      ["PATCH", { json: {} }],
      ["PATCH", { json: { labels: {}, metadata: {}, heartbeat: {} } }],
      ["PATCH", { json: { name: "Boiler 7", labels: { site: "north", gone: null }, metadata: { maker: { name: "ü", gone: null } } } }],
      ["PATCH", { json: { heartbeat: { graceSeconds: null } }, headers: { "if-match": '"1"' } }],
    ]));

  test("it has no body where none is wanted", async () => {
    const answer = await api.request("PUT", path, { json: SENSOR, headers: { prefer: "return=minimal" } });
    expect([answer.status, answer.text, tagOf(answer)]).toEqual([204, "", '"1"']);
  });

  test("its condition, its limits and its reach are looked at all the same, and a refusal is on record", async () => {
    const token = await limitedToken(api, ["sensors:write"], { labels: { site: "south" } });
    const left = await recorded(async () => {
      expectProblem(await api.request("PUT", path, { json: SENSOR, headers: { "if-match": '"2"' } }), 412);
      expectProblem(await api.request("PUT", path, { json: SENSOR, headers: { "if-none-match": "*" } }), 412);
      expectProblem(await api.request("PATCH", path, { json: {}, headers: { "if-match": '"2"' } }), 412);
      expectProblem(await api.request("PATCH", path, { json: {}, token }), 404);
      expectProblem(await api.request("PUT", path, { json: SENSOR, token }), 403);
      const labels = { ...SENSOR.labels, ["x".repeat(200)]: null };
      expect(pointersOf(await api.request("PATCH", path, { json: { labels: { ...labels, "a b": "x" } } }))).toHaveLength(1);
    });
    expect(left).toEqual([
      "patchSensor 422",
      "replaceSensor 403",
      "patchSensor 404",
      "patchSensor 412",
      "replaceSensor 412",
      "replaceSensor 412",
    ]);
    expect(tagOf(await api.request("GET", path))).toBe('"1"');
  });

  test("it is one as soon as anything is another", async () => {
    const left = await recorded(async () => {
      expect(tagOf(await api.request("PUT", path, { json: { ...SENSOR, metadata: { ...SENSOR.metadata, spares: [2, 1] } } }))).toBe('"2"');
      expect(tagOf(await api.request("PATCH", path, { json: { metadata: { spares: [1, 2] } } }))).toBe('"3"');
    });
    expect(left).toEqual(["patchSensor 200", "replaceSensor 200"]);
  });

  test("of many at once it is none when that holds of all of them", async () => {
    const put = (...items: object[]) => api.request("PUT", "/v1/sensors", { json: items });
    const one = { id: "many-1", labels: { a: "1", b: "2" } };
    const same = { labels: { b: "2", a: "1" }, id: "many-1" };
    expect(await recorded(() => put(one))).toEqual(["putSensors 200"]);
    expect(await recorded(() => put(same, one))).toEqual([]);
    expect(await recorded(() => put(same, { id: "?" }))).toEqual(["putSensors 200"]);
    expect(await recorded(() => put(same, { id: "many-2" }))).toEqual(["putSensors 200"]);
  });
});

test("of a webhook it is none, whatever it names", async () => {
  const json = {
    url: "http://127.0.0.1:9/hook",
    filter: { to: ["hot"], labels: { site: "north" } },
    headers: { "X-Api-Key": "made-up" },
    auth: { type: "basic", username: "u", password: "made-up-too" },
    batch: { maxItems: 5, maxWaitMs: 10 },
  };
  const { id } = (await api.request("POST", "/v1/webhooks", { json })).json<{ id: string }>();
  const path = `/v1/webhooks/${id}`;
  await changesNothing(path, [
    ["PATCH", { json: {} }],
    ["PATCH", { json, headers: { "if-match": '"1"' } }],
    ["PATCH", { json: { filter: { labels: { site: "north" }, to: ["hot"] }, state: "active", description: null } }],
    ["PATCH", { json: { headers: { "x-api-key": "made-up", gone: null }, clientCertificate: null, concurrency: null } }],
  ]);
  expectProblem(await api.request("PATCH", path, { json: {}, headers: { "if-match": '"2"' } }), 412);
  const left = await recorded(async () => {
    expect(tagOf(await api.request("PATCH", path, { json: { headers: { "x-api-key": "another" } } }))).toBe('"2"');
    expect(tagOf(await api.request("PATCH", path, { json: { state: "paused" } }))).toBe('"3"');
  });
  expect(left).toEqual(["patchWebhook 200", "patchWebhook 200"]);
});

test("of the catalogue it is none where an operator had set just that", async () => {
  const path = "/v1/statuses/door.open";
  const json = { severity: "warning", description: "It stands open." };
  expect((await api.request("PUT", path, { json })).status).toBe(201);
  const tag = tagOf(await api.request("GET", path)) as string;
  await changesNothing(path, [
    ["PUT", { json }],
    ["PUT", { json, headers: { "if-match": tag } }],
    ["PUT", { json, headers: { "if-match": "*" } }],
  ]);
  expectProblem(await api.request("PUT", path, { json, headers: { "if-match": '"1"' } }), 412);
  // What is built in is nobody's word yet.
  const left = await recorded(() => api.request("PUT", "/v1/statuses/hot", { json: { severity: "warning" } }));
  expect(left).toEqual(["putStatus 200"]);
});

test("of a token it is none", async () => {
  const json = { name: "gateway", scopes: ["sensors:read"], expiresAt: "2099-01-01T00:00:00Z" };
  const { id } = (await api.request("POST", "/v1/tokens", { json })).json<{ id: string }>();
  await changesNothing(`/v1/tokens/${id}`, [
    ["PATCH", { json: {} }],
    ["PATCH", { json: { name: "gateway", expiresAt: "2099-01-01T01:00:00+01:00" } }],
  ]);
  const left = await recorded(() => api.request("PATCH", `/v1/tokens/${id}`, { json: { expiresAt: null } }));
  expect(left).toEqual(["patchToken 200"]);
});
