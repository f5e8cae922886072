import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestApi, type TestApi } from "./api";
import { FIRST_AT, fillHistory } from "./history";
import { collectPages } from "./pages";
import { pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  for (const id of ["first", "second"]) {
    await api.request("POST", "/v1/sensors", { json: { id } });
    await fillHistory(api.store, id, { reports: 4, deadLetters: [] });
  }
});
afterAll(() => api[Symbol.asyncDispose]());

interface Item {
  readonly changeId: string;
  readonly revision: number;
}

test("a sensor's changes are listed by their numbers, without gaps, in either order", async () => {
  const revisions = async (query: string) =>
    (await collectPages<Item>(api, `/v1/sensors/second/changes?limit=3${query}`)).map((page) => page.map(({ revision }) => revision));
  expect(await revisions("")).toEqual([[1, 2, 3], [4]]);
  expect(await revisions("&order=desc")).toEqual([[4, 3, 2], [1]]);
});

test("a change is listed as webhooks are told of it", async () => {
  const { items } = (await api.request("GET", "/v1/sensors/second/changes?limit=1")).json<{ items: unknown[] }>();
  const at = new Date(FIRST_AT).toISOString();
  expect(items).toEqual([
    {
      changeId: "chg_0_5",
      sensorId: "second",
      sensor: { name: "Boiler 7", labels: { site: "north" } },
      revision: 1,
      kind: "status",
      from: { status: null, severity: null, availability: "pending" },
      to: { status: "overheated", severity: "critical", availability: "online" },
      cause: "report",
      occurredAt: at,
      detectedAt: at,
      previousDurationMs: null,
      report: { value: 0, message: null, attributes: { index: 0 } },
    },
  ]);
});

test("the changes of all are listed page by page, each once, in either order", async () => {
  const all = Array.from({ length: 8 }, (_, index) => `chg_0_${index + 1}`);
  const ids = async (query: string) =>
    (await collectPages<Item>(api, `/v1/changes?limit=3${query}`)).flat().map(({ changeId }) => changeId);
  expect(await ids("")).toEqual(all);
  expect(await ids("&order=desc")).toEqual(all.toReversed());
});

test("changes are found by time", async () => {
  const third = encodeURIComponent(new Date(FIRST_AT + 2000).toISOString());
  const count = async (path: string) => (await api.request("GET", path)).json<{ items: Item[] }>().items.length;
  expect(await count(`/v1/sensors/first/changes?since=${third}`)).toBe(2);
  expect(await count(`/v1/sensors/first/changes?until=${third}`)).toBe(2);
  expect(await count("/v1/changes?since=2099-01-01T00:00:00Z")).toBe(0);
  expect(await count("/v1/changes?until=2099-01-01T00:00:00Z")).toBe(8);
  expect(pointersOf(await api.request("GET", "/v1/changes?since=x&order=down&sensor=first"))).toEqual(["/sensor"]);
  expect(pointersOf(await api.request("GET", "/v1/changes?since=x&order=down"))).toEqual(["/order", "/since"]);
});
