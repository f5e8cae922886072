import { afterAll, beforeAll, expect, test } from "bun:test";
import { STATUS_CATALOGUE } from "../../src/domain/severity";
import { openTestApi, type TestApi } from "./api";
import { fillHistory } from "./history";
import { collectPages } from "./pages";
import { expectProblem, pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

test("incidents are listed page by page, each once", async () => {
  await fillHistory(api.store, "nobody", { reports: 0, deadLetters: [{ subject: "reports.1.0.x", text: "" }], incidents: 5 });
  const pages = await collectPages<{ id: string; kind: string; detail: { index: number }; recordedAt: string }>(
    api,
    "/v1/incidents?limit=2",
  );
  expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
  expect(
    pages
      .flat()
      .map(({ detail }) => detail.index)
      .toSorted((a, b) => a - b),
  ).toEqual([0, 1, 2, 3, 4]);
  const [incident] = pages.flat();
  expect((await api.request("GET", `/v1/incidents/${incident?.id}`)).json<unknown>()).toEqual(incident);
  expectProblem(await api.request("GET", "/v1/incidents/nothing"), 404);
  expect(pages[0]?.[0]).toMatchObject({ kind: "stream.recreated", partition: 0, recordedAt: expect.stringMatching(/Z$/) as string });
});

test("tokens are listed page by page in the order of their making, each once", async () => {
  const made: string[] = [];
  for (let count = 0; count < 5; count += 1) made.push((await api.mint(["sensors:read"])).id);
  const pages = await collectPages<{ id: string }>(api, "/v1/tokens?limit=2");
  expect(pages.flat().map(({ id }) => id)).toEqual(made);
});

test("the catalogue of statuses is listed page by page, each once", async () => {
  const pages = await collectPages<{ status: string; severity: string }>(api, "/v1/statuses?limit=7");
  expect(new Map(pages.flat().map(({ status, severity }) => [status, severity]))).toEqual(new Map<string, string>(STATUS_CATALOGUE));
  expect(pages.flat().length).toBe(STATUS_CATALOGUE.size);
  expect(pointersOf(await api.request("GET", "/v1/statuses?cursor=nothing"))).toEqual(["/cursor"]);
});
