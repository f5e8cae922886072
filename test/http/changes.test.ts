import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestApi, type TestApi } from "./api";
import { Owner } from "../store/conformance/owner";
import { FIRST_AT, fillHistory } from "./history";
import { limitedToken } from "./limitedToken";
import { collectPages } from "./pages";
import { expectProblem, pointersOf } from "./problem";

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

test("who polls with the cursor that came last sees every later change once", async () => {
  await using own = await openTestApi();
  const owner = await Owner.of(own.store);
  const seen: string[] = [];
  let cursor = (await own.request("GET", "/v1/changes?order=desc&limit=1")).json<{ cursor: string }>().cursor;
  for (let round = 0; round < 4; round += 1) {
    await owner.change(["a", "b", "c"]);
    for (let more = true; more;) {
      const page = (await own.request("GET", `/v1/changes?limit=2&cursor=${cursor}`)).json<ChangePage>();
      seen.push(...page.items.map(({ changeId }) => changeId));
      more = page.nextCursor !== null;
      expect(page.nextCursor ?? page.cursor).toBe(page.cursor);
      cursor = page.cursor;
    }
  }
  expect(seen).toEqual(Array.from({ length: 12 }, (_, index) => `chg_0_${index + 1}`));
});

interface ChangePage {
  readonly items: Item[];
  readonly nextCursor: string | null;
  readonly cursor: string;
}

test("changes are filtered as a webhook's are, in either order", async () => {
  const ids = async (query: string) =>
    (await collectPages<Item>(api, `/v1/changes?limit=2&${query}`)).flat().map(({ changeId }) => changeId.replace("chg_0_", ""));
  expect(await ids("sensorId=second")).toEqual(["5", "6", "7", "8"]);
  expect(await ids("sensorId=second&sensorId=nobody&order=desc")).toEqual(["8", "7", "6", "5"]);
  expect(await ids("to=ok")).toEqual(["2", "4", "6", "8"]);
  expect(await ids("from=ok&sensorId=first")).toEqual(["3"]);
  expect(await ids("direction=lowered&kind=status&minSeverity=critical&order=desc")).toEqual(["8", "6", "4", "2"]);
  expect(await ids("label=site:north&to=overheated")).toEqual(["1", "3", "5", "7"]);
  expect(await ids("label=site:south")).toEqual([]);
});

test("what lies outside of a token's reach is left out of the list, and is not there by itself", async () => {
  const token = await limitedToken(api, ["sensors:read"], { sensorId: "second" });
  const { items } = (await api.request("GET", "/v1/changes", { token })).json<ChangePage>();
  expect(items.map(({ changeId }) => changeId)).toEqual(["chg_0_5", "chg_0_6", "chg_0_7", "chg_0_8"]);
  expect((await api.request("GET", "/v1/sensors/second/changes", { token })).status).toBe(200);
  const [hidden, nobody] = await Promise.all(
    ["first", "nobody"].map(async (id) => expectProblem(await api.request("GET", `/v1/sensors/${id}/changes`, { token }), 404)),
  );
  expect(hidden?.detail.replace("first", "nobody")).toBe(nobody?.detail as string);
});

test("a page looks at some thousand changes and a few MiB, and says where to go on", async () => {
  await using own = await openTestApi();
  const owner = await Owner.of(own.store);
  const names = Array.from({ length: 3000 }, (_, index) => `s${index}`);
  for (let round = 0; round < 2; round += 1) await owner.change(names);
  await owner.change(["wanted"]);
  const first = (await own.request("GET", "/v1/changes?sensorId=wanted")).json<ChangePage>();
  expect([first.items, first.nextCursor]).toEqual([[], first.cursor]);
  expect((await collectPages<Item>(own, "/v1/changes?sensorId=wanted&limit=5")).flat().map(({ changeId }) => changeId)).toEqual([
    "chg_0_6001",
  ]);
  const report = { value: 1, message: "x".repeat(60_000), attributes: null };
  await owner.change(names.slice(0, 120), { report });
  const large = await own.request("GET", `/v1/changes?limit=1000&order=desc`);
  expect(large.text.length).toBeLessThan(4.5 * 1024 * 1024);
  const pages = await collectPages<Item>(own, "/v1/changes?limit=1000&order=desc&since=2020-01-01T00:00:00Z");
  expect(pages.flat()).toHaveLength(6121);
  expect(new Set(pages.flat().map(({ changeId }) => changeId)).size).toBe(6121);
});

test("a cursor of the list is not taken by others, nor theirs by it", async () => {
  const { cursor } = (await api.request("GET", "/v1/changes?limit=1")).json<ChangePage>();
  const theirs = (await api.request("GET", "/v1/sensors/first/changes?limit=1")).json<ChangePage>();
  expect(pointersOf(await api.request("GET", `/v1/changes?cursor=${theirs.nextCursor}`))).toEqual(["/cursor"]);
  expect(pointersOf(await api.request("GET", `/v1/sensors/first/changes?cursor=${cursor}`))).toEqual(["/cursor"]);
});
