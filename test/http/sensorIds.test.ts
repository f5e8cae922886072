import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ADMIN_TOKEN, openTestApi, type TestApi } from "./api";
import { pointersOf } from "./problem";
import { headOf, rawRequest } from "./rawRequest";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const HEADERS = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
const REPORT = '{"status":"ok"}';

/** What no sensor can be called, as it stands in a path. */
const WRONG = [
  "",
  "a.b",
  ".",
  "..",
  "%2e",
  "%2E%2e",
  "a%2eb",
  "*",
  "%3E",
  "%3e",
  "sensors.%3E",
  "x".repeat(129),
  "%C3%A4",
  "%F0%9F%94%94",
  "a%20b",
  "%20",
  "a%2Fb",
  "a%00b",
  "%E0%A4%A",
  "%zz",
  "%",
  "%ff",
  "-a",
  "_a",
  ":a",
  "$probe",
  "$tick",
  "a%0Ab",
  "a+b",
  "a;b",
  "a,b",
  "%5c",
];

describe("a sensor id that cannot be one", () => {
  for (const id of WRONG) {
    test(`is a 422 in a path: "${id.length > 20 ? `${id.length} characters` : id}"`, async () => {
      for (const [method, path] of [
        ["POST", `/v1/sensors/${id}/reports`],
        ["GET", `/v1/sensors/${id}/changes`],
        ["GET", `/v1/sensors/${id}`],
        ["DELETE", `/v1/sensors/${id}`],
      ] as const) {
        const body = method === "POST" ? [REPORT] : [];
        const length: Record<string, string> = method === "POST" ? { "content-length": String(REPORT.length) } : {};
        const answer = await rawRequest(api.url, [headOf(method, path, { ...HEADERS, ...length }), ...body]);
        expect({ method, path, status: answer.status }).toEqual({ method, path, status: 422 });
        expect(JSON.parse(answer.body)).toMatchObject({ errors: [{ pointer: "/id" }] });
      }
      expect(api.reports.published).toEqual([]);
    });
  }

  test("is a 422 in a body", async () => {
    const ids = ["", "a.b", "*", ">", "x".repeat(129), "%2e", "ä", "a b", " a", "a\n", "a/b", "$probe", null, 7, [], {}];
    for (const id of ids) expect(pointersOf(await api.request("POST", "/v1/sensors", { json: { id } }))).toEqual(["/id"]);
    expect(pointersOf(await api.request("POST", "/v1/sensors", { json: {} }))).toEqual(["/id"]);
  });

  test("is a 422 in a query and in a filter", async () => {
    expect(pointersOf(await api.request("GET", "/v1/deliveries?sensorId=a.b"))).toEqual(["/sensorId"]);
    const json = { url: "https://example.com/", filter: { sensorIds: ["ok", "a.*"] } };
    expect(pointersOf(await api.request("POST", "/v1/webhooks", { json }))).toEqual(["/filter/sensorIds/1"]);
  });

  test("is a 422 in the path of anything else that has an id", async () => {
    for (const path of ["/v1/webhooks/a.b", "/v1/webhooks/", "/v1/deliveries/%zz", "/v1/dead-letters/a%20b", "/v1/webhooks/%00"]) {
      expect(pointersOf(await api.request("GET", path))).toEqual(["/id"]);
    }
    expect(pointersOf(await api.request("DELETE", "/v1/tokens/a.b"))).toEqual(["/id"]);
  });
});

test("any id that can be one is taken as it is, percent-encoded or not", async () => {
  for (const [sent, id] of [
    ["A", "A"],
    ["a:b_c-9", "a:b_c-9"],
    ["a%3Ab", "a:b"],
    ["%41", "A"],
    ["x".repeat(128), "x".repeat(128)],
  ] as const) {
    expect((await api.request("POST", `/v1/sensors/${sent}/reports`, { body: REPORT })).status).toBe(202);
    expect(api.reports.published.pop()).toEqual({ sensorId: id, text: REPORT });
  }
});
