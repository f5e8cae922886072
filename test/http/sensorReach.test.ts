/** What a token that is limited to some sensors sees of the others, and may make of its own. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Reach } from "../../src/domain/reach";
import { hashToken } from "../../src/domain/token";
import { openTestApi, type TestApi } from "./api";
import { fillHistory } from "./history";
import { collectPages } from "./pages";
import { expectProblem, pointersOf } from "./problem";
import { untaggedToken } from "./untaggedToken";

const NORTH = { labels: { site: "north" } };

let api: TestApi;
let north: string;
let one: string;
beforeAll(async () => {
  api = await openTestApi();
  north = await limited(api, NORTH);
  one = await limited(api, { sensorId: "n-1" });
});
afterAll(() => api[Symbol.asyncDispose]());
beforeEach(async () => {
  for (const [id, labels] of [
    ["n-1", { site: "north", floor: "1" }],
    ["n-2", { site: "north", floor: "2" }],
    ["s-1", { site: "south", floor: "1" }],
    ["bare", {}],
  ] as const) {
    expect((await api.request("PUT", `/v1/sensors/${id}`, { json: { labels } })).status).toBeLessThan(202);
  }
  await api.request("DELETE", "/v1/sensors/new");
});

async function limited(on: TestApi, reach: Reach): Promise<string> {
  const token = untaggedToken();
  const scopes = ["sensors:read", "sensors:write"];
  await on.store.createToken({
    id: `tok_${JSON.stringify(reach)}`,
    name: "limited",
    hash: hashToken(token),
    scopes,
    expiresAt: null,
    reach,
  });
  return token;
}

const idsOf = async (query: string, token: string) =>
  (await api.request("GET", `/v1/sensors?${query}`, { token })).json<{ items: { id: string }[] }>().items.map(({ id }) => id);

describe("a limited token", () => {
  test("lists what is within its reach and fits the filters, page by page", async () => {
    expect(await idsOf("", north)).toEqual(["n-1", "n-2"]);
    expect(await idsOf("label=site:north&label=floor:1", north)).toEqual(["n-1"]);
    expect(await idsOf("label=floor:1", north)).toEqual(["n-1"]);
    expect(await idsOf("label=site:south", north)).toEqual([]);
    expect(await idsOf("q=S-1", north)).toEqual([]);
    expect(await idsOf("availability=pending&q=2", north)).toEqual(["n-2"]);
    expect(await idsOf("", one)).toEqual(["n-1"]);
    expect(await idsOf("label=site:north&availability=pending&availability=online", one)).toEqual(["n-1"]);
    expect(await idsOf("label=floor:2", one)).toEqual([]);
    expect(await idsOf("availability=offline", one)).toEqual([]);
    expect(pointersOf(await api.request("GET", "/v1/sensors?label=a:1&label=a:2", { token: north }))).toEqual(["/label"]);
    const paged = await collectPages<{ id: string }>(
      { ...api, request: (method, path) => api.request(method, path, { token: north }) },
      "/v1/sensors?limit=1",
    );
    expect(paged.flat().map(({ id }) => id)).toEqual(["n-1", "n-2"]);
  });

  test("finds nothing beyond its reach, as if it were not there", async () => {
    for (const [token, id] of [
      [north, "s-1"],
      [north, "bare"],
      [one, "n-2"],
      [one, "s-1"],
    ] as const) {
      const json = { labels: { site: "north" } };
      for (const [method, sent] of [["GET"], ["HEAD"], ["PUT", { json }], ["PATCH", { json }], ["DELETE"]] as [string, object?][]) {
        const [there, nowhere] = [`/v1/sensors/${id}`, "/v1/sensors/nowhere"];
        const answer = await api.request(method, there, { token, ...sent });
        expect([id, method, answer.status]).toEqual([id, method, 404]);
        if (method === "HEAD" || (method === "PUT" && token === north)) continue;
        const { detail } = expectProblem(await api.request(method, nowhere, { token, ...sent }), 404);
        expect(expectProblem(answer, 404).detail).toBe(detail.replace("nowhere", id));
      }
      const conditions: Record<string, string>[] = [{ "if-match": '"99"' }, { "if-none-match": "*" }];
      for (const headers of conditions) {
        const asked = { token, json, headers };
        const answer = await api.request("PUT", `/v1/sensors/${id}`, asked);
        if (headers["if-match"] === undefined || token === one) expectProblem(answer, 404);
        else {
          const { detail } = expectProblem(await api.request("PUT", "/v1/sensors/nowhere", asked), 412);
          expect(expectProblem(answer, 412).detail).toBe(detail.replace("nowhere", id));
        }
      }
    }
    expect((await api.request("GET", "/v1/sensors/s-1")).json()).toMatchObject({ labels: { site: "south" } });
  });

  test("makes and edits what is within its reach", async () => {
    const labels = { site: "north", floor: "3" };
    expect((await api.request("POST", "/v1/sensors", { token: north, json: { id: "new", labels } })).status).toBe(201);
    expect((await api.request("PATCH", "/v1/sensors/new", { token: north, json: { labels: { floor: null } } })).status).toBe(200);
    expect((await api.request("DELETE", "/v1/sensors/new", { token: north })).status).toBe(204);
    expect((await api.request("PUT", "/v1/sensors/new", { token: north, json: { labels } })).status).toBe(201);
    expect((await api.request("PUT", "/v1/sensors/new", { token: north, json: { labels, name: "New" } })).status).toBe(200);
    expect((await api.request("GET", "/v1/sensors/new", { token: north })).json()).toMatchObject({ name: "New" });
    expect((await api.request("PUT", "/v1/sensors/n-1", { token: one, json: { labels: { site: "elsewhere" } } })).status).toBe(200);
    expect((await api.request("DELETE", "/v1/sensors/n-1", { token: one })).status).toBe(204);
    expect((await api.request("POST", "/v1/sensors", { token: one, json: { id: "n-1" } })).status).toBe(201);
  });

  test("makes nothing that would be out of its reach: 403, and says why", async () => {
    const refusals = [
      ["POST", "/v1/sensors", { id: "new" }],
      ["POST", "/v1/sensors", { id: "new", labels: { site: "south" } }],
      ["PUT", "/v1/sensors/new", { labels: { site: "south" } }],
      ["PUT", "/v1/sensors/n-1", {}],
      ["PATCH", "/v1/sensors/n-1", { labels: { site: "south" } }],
      ["PATCH", "/v1/sensors/n-1", { labels: { site: null } }],
      ["PATCH", "/v1/sensors/n-1", { labels: null }],
    ] as const;
    for (const [method, path, json] of refusals) {
      expect(expectProblem(await api.request(method, path, { token: north, json }), 403).detail).toContain("site:north");
    }
    expect(expectProblem(await api.request("POST", "/v1/sensors", { token: one, json: { id: "new" } }), 403).detail).toContain("n-1");
    expectProblem(await api.request("GET", "/v1/sensors/new"), 404);
    expect((await api.request("GET", "/v1/sensors/n-1")).json()).toMatchObject({ labels: { site: "north", floor: "1" } });
  });

  test("takes no id over of a sensor that was deleted beyond its reach, whose history it would see", async () => {
    await api.request("PUT", "/v1/sensors/gone", { json: { labels: { site: "south" } } });
    await fillHistory(api.store, "gone", { reports: 1, deadLetters: [] });
    await api.request("DELETE", "/v1/sensors/gone");
    const json = { labels: { site: "north" } };
    expectProblem(await api.request("POST", "/v1/sensors", { token: north, json: { id: "gone", ...json } }), 409);
    expectProblem(await api.request("PUT", "/v1/sensors/gone", { token: north, json }), 404);
    expectProblem(await api.request("PUT", "/v1/sensors/gone", { token: north, json, headers: { "if-none-match": "*" } }), 404);
    const many = await api.request("PUT", "/v1/sensors", { token: north, json: [{ id: "gone", ...json }] });
    expect(many.json()).toMatchObject({ accepted: 0, items: [{ status: 404 }] });
    for (const part of ["", "/reports", "/changes", "/uptime"]) {
      expectProblem(await api.request("GET", `/v1/sensors/gone${part}`, { token: north }), 404);
    }
    // Its own it may have again.
    await api.request("PUT", "/v1/sensors/gone", { json });
    await api.request("DELETE", "/v1/sensors/gone");
    expect((await api.request("PUT", "/v1/sensors/gone", { token: north, json })).status).toBe(201);
  });

  test("edits nothing that leaves its reach meanwhile", async () => {
    await using raced = await openTestApi({ store: (real) => leavingBefore(real) });
    const token = await limited(raced, NORTH);
    for (const [method, sent] of [
      ["PATCH", { json: { name: "mine" } }],
      ["PUT", { json: { name: "mine", labels: { site: "north" } } }],
      ["DELETE", {}],
    ] as const) {
      await raced.request("PUT", "/v1/sensors/raced", { json: { labels: { site: "north" } } });
      expectProblem(await raced.request(method, "/v1/sensors/raced", { token, ...sent }), 404);
      expect((await raced.request("GET", "/v1/sensors/raced")).json()).toMatchObject({ name: "theirs", labels: { site: "south" } });
    }
  });

  test("sees no history with a sensor that it does not see", async () => {
    await fillHistory(api.store, "s-1", { reports: 1, deadLetters: [] });
    expectProblem(await api.request("GET", "/v1/sensors/s-1", { token: north }), 404);
    expect(await idsOf("status=overheated", north)).toEqual([]);
    expect(await idsOf("status=overheated", one)).toEqual([]);
  });
});

/** A store in which somebody else takes the sensor out of reach just before a limited token's edit of it. */
function leavingBefore(real: TestApi["store"]): TestApi["store"] {
  const leave = async (id: string) => {
    const found = await real.getSensor(id);
    if (found?.sensor.labels["site"] !== "north") return;
    const draft = { ...found.sensor, partition: 0, name: "theirs", labels: { site: "south" } };
    await real.updateSensor(draft, null);
  };
  return {
    ...real,
    async updateSensor(draft, version) {
      await leave(draft.id);
      return real.updateSensor(draft, version);
    },
    async putSensor(draft, wanted) {
      if (wanted.reach !== null) await leave(draft.id);
      return real.putSensor(draft, wanted);
    },
    async deleteSensor(id, version, removal) {
      if (removal?.reach != null) await leave(id);
      return real.deleteSensor(id, version, removal);
    },
  };
}
