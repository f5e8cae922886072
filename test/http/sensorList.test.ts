import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openTestApi, type TestApi } from "./api";
import { fillHistory } from "./history";
import { collectPages } from "./pages";
import { pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

interface Shown {
  readonly id: string;
}

describe("the list of sensors", () => {
  test("is found by label, state and text, all of which must hold", async () => {
    await using own = await openTestApi();
    for (const [id, name, labels] of [
      ["a-1", "Boiler", { site: "north", note: "x,y:z" }],
      ["b-2", "BOILER two", { site: "north" }],
      ["c-3", "Pump", { site: "south" }],
    ] as const) {
      await own.request("POST", "/v1/sensors", { json: { id, name, labels } });
    }
    await fillHistory(own.store, "b-2", { reports: 1, deadLetters: [] });
    const ids = async (query: string) =>
      (await own.request("GET", `/v1/sensors?${query}`)).json<{ items: Shown[] }>().items.map(({ id }) => id);
    expect(await ids("")).toEqual(["a-1", "b-2", "c-3"]);
    expect(await ids("label=site:north")).toEqual(["a-1", "b-2"]);
    expect(await ids("label=site:north&label=note:x,y:z")).toEqual(["a-1"]);
    expect(await ids("label=site:nor")).toEqual([]);
    expect(await ids("q=boiler")).toEqual(["a-1", "b-2"]);
    expect(await ids("q=-3")).toEqual(["c-3"]);
    expect(await ids("q=boiler&severity=critical")).toEqual(["b-2"]);
    expect(await ids("status=overheated")).toEqual(["b-2"]);
    expect(await ids("availability=pending")).toEqual(["a-1", "c-3"]);
    expect(await ids("availability=offline")).toEqual([]);
    expect(await ids("status=overheated&status=cold")).toEqual(["b-2"]);
    expect(await ids("availability=pending&availability=online")).toEqual(["a-1", "b-2", "c-3"]);
    expect(await ids("availability=pending&availability=online&severity=critical&severity=ok")).toEqual(["b-2"]);
  });

  test("is read page by page, each sensor once", async () => {
    await using own = await openTestApi();
    const wanted = Array.from({ length: 7 }, (_, index) => `s-${index}`);
    for (const id of wanted) await own.request("POST", "/v1/sensors", { json: { id } });
    const pages = await collectPages<Shown>(own, "/v1/sensors?limit=3");
    expect(pages.map((page) => page.map(({ id }) => id))).toEqual([wanted.slice(0, 3), wanted.slice(3, 6), wanted.slice(6)]);
  });

  test("refuses what it cannot answer: 422", async () => {
    const pointers = async (query: string) => pointersOf(await api.request("GET", `/v1/sensors?${query}`));
    for (const limit of ["0", "1001", "-1", "x", "1.5", "", "1e2", "99999999999999999999"])
      expect(await pointers(`limit=${limit}`)).toEqual(["/limit"]);
    for (const cursor of ["x", "", "a b", "%00", "W10", Buffer.from('["webhooks","x"]').toString("base64url")]) {
      expect(await pointers(`cursor=${cursor}`)).toEqual(["/cursor"]);
    }
    for (const label of ["site", ":north", "a b:c", "", "a:%00"]) expect(await pointers(`label=${label}`)).toEqual(["/label"]);
    expect(await pointers("label=a:1&label=a:2")).toEqual(["/label"]);
    expect(await pointers("severity=bad&availability=here&status=NOT+OK")).toEqual(["/availability/0", "/severity/0", "/status/0"]);
    expect(await pointers("severity=ok&severity=bad")).toEqual(["/severity/1"]);
    expect(await pointers(Array.from({ length: 33 }, (_, index) => `status=s${index}`).join("&"))).toEqual(["/status"]);
    expect(await pointers("limit=1&limit=2&lable=a:b")).toEqual(["/lable", "/limit"]);
    expect(await pointers("__proto__=1&constructor=2")).toEqual(["/__proto__", "/constructor"]);
    expect(await pointers("q=%00")).toEqual(["/q"]);
  });
});
