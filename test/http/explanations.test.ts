import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestApi, type TestApi } from "./api";
import { fillHistory, planAll } from "./history";
import { pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

interface Explained {
  readonly because: string;
  readonly version: number | null;
  readonly delivery: { readonly id: string; readonly state: string } | null;
}

async function registered(filter: object): Promise<string> {
  return (await api.request("POST", "/v1/webhooks", { json: { url: "https://example.com/", filter } })).json<{ id: string }>().id;
}
const asked = (id: string, changeId: string) => api.request("GET", `/v1/webhooks/${id}/explain?changeId=${changeId}`);
const explained = async (id: string, changeId: string) => (await asked(id, changeId)).json<Explained>();

test("why a webhook was told of a change, or not, is answered by what it was when the change was recorded", async () => {
  for (const id of ["boiler-7", "boiler-8"]) await api.request("POST", "/v1/sensors", { json: { id } });
  await fillHistory(api.store, "boiler-7", { reports: 1, deadLetters: [] });
  const owed = await registered({ initial: true });
  const other = await registered({ sensorIds: ["door-1"], initial: true });
  await fillHistory(api.store, "boiler-8", { reports: 1, deadLetters: [] });
  await planAll(api.store, owed);
  await api.request("PATCH", `/v1/webhooks/${owed}`, { json: { filter: { to: ["never"] } } });
  await api.request("DELETE", `/v1/webhooks/${other}`);

  expect(await explained(owed, "chg_0_1")).toMatchObject({ because: "notThere", version: null });
  expect(await explained(owed, "chg_0_2")).toMatchObject({
    because: "matched",
    version: 1,
    delivery: { id: `${owed}_0_2`, state: "pending" },
  });
  expect(await explained(other, "chg_0_2")).toEqual({ because: "filter.sensorIds", version: 1, delivery: null });
});

test("a change or a webhook that there never was is a 404, and what is no change's id is pointed at", async () => {
  const id = await registered({});
  expect((await asked("wh_unknown", "chg_0_1")).status).toBe(404);
  expect((await asked(id, "chg_0_999999")).status).toBe(404);
  expect(pointersOf(await asked(id, "42"))).toEqual(["/changeId"]);
});
