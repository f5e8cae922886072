/** What is left to be read of a sensor that was deleted, with its history or without. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { delivered, Planner } from "../store/conformance/planner";
import { openTestApi, type TestApi } from "./api";
import { fillHistory, planAll } from "./history";
import { expectProblem, pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

async function withHistory(id: string, reports: number): Promise<void> {
  await api.request("POST", "/v1/sensors", { json: { id } });
  await fillHistory(api.store, id, { reports, deadLetters: [] });
}

const items = async (path: string) => (await api.request("GET", path)).json<{ items: Record<string, unknown>[] }>().items;
const remove = (id: string, query = "") => api.request("DELETE", `/v1/sensors/${id}${query}`);

describe("a deleted sensor", () => {
  test("keeps its history, unless that is to go, too", async () => {
    for (const [id, query] of [
      ["kept", ""],
      ["kept-too", "?history=keep"],
    ] as const) {
      await withHistory(id, 2);
      expect((await remove(id, query)).status).toBe(204);
      expectProblem(await api.request("GET", `/v1/sensors/${id}`), 404);
      expect(await items(`/v1/sensors/${id}/changes`)).toHaveLength(2);
      expect(await items(`/v1/sensors/${id}/reports`)).toHaveLength(2);
    }
    await withHistory("gone", 2);
    expect((await remove("gone", "?history=delete")).status).toBe(204);
    for (const path of ["", "/changes", "/reports"]) expectProblem(await api.request("GET", `/v1/sensors/gone${path}`), 404);
    expect((await items("/v1/changes")).map(({ sensorId }) => sensorId)).toEqual(["kept", "kept", "kept-too", "kept-too"]);
  });

  test("without a history to keep is no longer known", async () => {
    await api.request("POST", "/v1/sensors", { json: { id: "silent" } });
    expect(await items("/v1/sensors/silent/changes")).toEqual([]);
    await remove("silent");
    for (const path of ["", "/changes", "/reports"]) expectProblem(await api.request("GET", `/v1/sensors/silent${path}`), 404);
  });

  test("that comes again counts on, and shows what came later alone", async () => {
    await withHistory("again", 3);
    await remove("again", "?history=delete");
    await api.request("POST", "/v1/sensors", { json: { id: "again" } });
    expect((await api.request("GET", "/v1/sensors/again")).json()).toMatchObject({ state: { status: null, revision: 3 } });
    for (const path of ["changes", "reports"]) expect(await items(`/v1/sensors/again/${path}`)).toEqual([]);
    // Nobody has planned its changes yet.
    expect(await api.store.eraseHistory("", 100)).toMatchObject({ sensorId: "again", rows: { reports: 3, changes: 0 }, finished: false });
    for (const path of ["changes", "reports"]) expect(await items(`/v1/sensors/again/${path}`)).toEqual([]);
  });

  test("leaves no dead letter, no delivery that ended and no explanation to be seen, but what is owed, and the audit log", async () => {
    await using other = await openTestApi();
    const get = async (path: string) => (await other.request("GET", path)).json<{ items: Record<string, unknown>[] }>().items;
    const { id: webhookId } = (await other.request("POST", "/v1/webhooks", { json: { url: "http://127.0.0.1:9/" } })).json<{
      id: string;
    }>();
    await other.request("POST", "/v1/sensors", { json: { id: "traced", name: "Of somebody" } });
    const letters = ["reports.1.0.traced", "reports.1.0.another"].map((subject) => ({ subject, text: "{" }));
    await fillHistory(other.store, "traced", { reports: 2, deadLetters: letters });
    await planAll(other.store, webhookId);
    const [first, second] = (await get("/v1/deliveries")).toReversed() as [
      { id: string; changeId: string },
      { id: string; changeId: string },
    ];
    const planner = await Planner.of(other.store);
    await planner.settle(delivered(await planner.head(webhookId, "traced")));
    const [letter] = await get("/v1/dead-letters");
    expect(letter).toMatchObject({ subject: "reports.1.0.another" });
    const lost = (await get("/v1/dead-letters"))[1] as { id: string };
    const explain = (changeId: string) => other.request("GET", `/v1/webhooks/${webhookId}/explain?changeId=${changeId}`);
    expect((await explain(first.changeId)).status).toBe(200);

    expect((await other.request("DELETE", "/v1/sensors/traced?history=delete")).status).toBe(204);
    expect((await get("/v1/deliveries")).map(({ id, state }) => [id, state])).toEqual([[second.id, "pending"]]);
    for (const path of [`/v1/deliveries/${first.id}`, `/v1/dead-letters/${lost.id}`]) expectProblem(await other.request("GET", path), 404);
    for (const path of [`/v1/deliveries/${first.id}/retry`, `/v1/dead-letters/${lost.id}/replay`]) {
      expectProblem(await other.request("POST", path), 404);
    }
    for (const { changeId } of [first, second]) expectProblem(await explain(changeId), 404);
    expect((await get("/v1/dead-letters")).map(({ subject }) => subject)).toEqual(["reports.1.0.another"]);
    expect((await get("/v1/audit?target=traced")).map(({ operation }) => operation)).toEqual(["deleteSensor", "createSensor"]);
  });

  test("is deleted on its version alone, and by no other word", async () => {
    await withHistory("careful", 1);
    const stale = await api.request("DELETE", "/v1/sensors/careful?history=delete", { headers: { "if-match": '"2"' } });
    expectProblem(stale, 412);
    expect(pointersOf(await remove("careful", "?history=all"))).toEqual(["/history"]);
    expect(pointersOf(await remove("careful", "?history=delete&history=keep"))).toEqual(["/history"]);
    expect(await items("/v1/sensors/careful/changes")).toHaveLength(1);
  });
});
