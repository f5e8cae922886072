/** What JSON can write and nobody can keep, or keeps otherwise than one might think: on every road that takes metadata, attributes and values. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parseReport } from "../../src/domain/report";
import { openTestApi, type TestApi } from "./api";
import { fillHistory } from "./history";
import { expectProblem, pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  await api.request("POST", "/v1/sensors", { json: { id: "boiler-7" } });
  await fillHistory(api.store, "boiler-7", { reports: 1, deadLetters: [] });
});
afterAll(() => api[Symbol.asyncDispose]());

const SENSOR = "/v1/sensors/boiler-7";
const TYPES = { PUT: "application/json", PATCH: "application/merge-patch+json", POST: "application/json" } as const;

function send(method: keyof typeof TYPES, path: string, body: string) {
  return api.request(method, path, { body, type: TYPES[method] });
}

/** With the pointer to it within the object that holds it. */
const OVERFLOWS = [
  ['{"a":1e400}', "/a"],
  ['{"a":-1e400}', "/a"],
  ['{"a/b":{"c~d":[0,[1,1e309]]}}', "/a~1b/c~0d/1/1"],
  ['{"a b":2e308}', "/a b"],
  [`{"${"x".repeat(300)}":1e400}`, ""],
  ['{"\\u0000":1e400}', ""],
  ['{"__proto__":{"a":1e400}}', "/__proto__/a"],
] as const;

describe("a number beyond a double", () => {
  test.each(OVERFLOWS)("in the metadata of a sensor is refused, and pointed at: %s", async (metadata, place) => {
    const before = (await api.request("GET", SENSOR)).text;
    for (const [method, path, body] of [
      ["POST", "/v1/sensors", `{"id":"new","metadata":${metadata}}`],
      ["PUT", SENSOR, `{"metadata":${metadata}}`],
      ["PATCH", SENSOR, `{"metadata":${metadata}}`],
    ] as const) {
      const answer = await send(method, path, body);
      expectProblem(answer, 422);
      expect(pointersOf(answer)).toEqual([`/metadata${place}`]);
    }
    const many = await send("PUT", "/v1/sensors", `[{"id":"boiler-7","metadata":${metadata}}]`);
    expect(many.json()).toMatchObject({ refused: 1, items: [{ status: 422, errors: [{ pointer: `/metadata${place}` }] }] });
    expect((await api.request("GET", SENSOR)).text).toBe(before);
    expectProblem(await api.request("GET", "/v1/sensors/new"), 404);
  });

  test.each(OVERFLOWS)("in the attributes of a report is refused on every road, and pointed at: %s", async (attributes, place) => {
    const published = api.reports.published.length;
    const body = `{"status":"ok","attributes":${attributes}}`;
    expect(pointersOf(await send("POST", `${SENSOR}/reports`, body))).toEqual([`/attributes${place}`]);
    for (const item of [`{"sensorId":"boiler-7",${body.slice(1)}`, `${body.slice(0, -1)},"sensorId":"boiler-7"}`]) {
      const many = await send("POST", "/v1/reports", `[${item}]`);
      expect(many.json()).toMatchObject({ refused: 1, items: [{ status: 422, errors: [{ pointer: `/attributes${place}` }] }] });
    }
    expect(api.reports.published).toHaveLength(published);
    expect(parseReport(new TextEncoder().encode(body))).toEqual({
      ok: false,
      reason: `/attributes${place}: is a number beyond ±1.8e308, which could not be kept`,
      pointer: `/attributes${place}`,
    });
  });

  test("as the value of a report, or as a setting, is refused likewise", async () => {
    const value = '{"status":"ok","value":1e400}';
    const alone = await send("POST", `${SENSOR}/reports`, value);
    const message = "is a number beyond ±1.8e308, which could not be kept";
    expect(expectProblem(alone, 422).errors).toEqual([{ pointer: "/value", message }]);
    const many = await send("POST", "/v1/reports", `[{"sensorId":"boiler-7",${value.slice(1)}]`);
    expect(many.json()).toMatchObject({ items: [{ status: 422, errors: [{ pointer: "/value", message }] }] });
    expect(parseReport(new TextEncoder().encode(value))).toMatchObject({ ok: false, reason: `/value: ${message}` });
    expect(pointersOf(await send("PATCH", SENSOR, '{"heartbeat":{"intervalSeconds":1e400}}'))).toEqual(["/heartbeat/intervalSeconds"]);
    expect(pointersOf(await send("POST", "/v1/webhooks", '{"url":"https://example.com/","ratePerSecond":1e400}'))).toEqual([
      "/ratePerSecond",
    ]);
  });
});

describe("of what may be kept", () => {
  test("the largest and the smallest numbers stay, and what is nearer to 0 is 0", async () => {
    const metadata = '{"largest":1.7976931348623157e308,"smallest":5e-324,"nearer":1e-400,"long":12345678901234567890}';
    expect((await send("PUT", SENSOR, `{"metadata":${metadata}}`)).json()).toMatchObject({
      metadata: { largest: Number.MAX_VALUE, smallest: Number.MIN_VALUE, nearer: 0, long: 12345678901234567000 },
    });
  });

  test("a name that stands twice has its last value, and __proto__ is a name like any other", async () => {
    const metadata = '{"a":1,"__proto__":{"polluted":true},"constructor":{"prototype":1},"a":2}';
    const kept = '{"a":2,"__proto__":{"polluted":true},"constructor":{"prototype":1}}';
    for (const [method, path, body] of [
      ["PUT", SENSOR, `{"metadata":${metadata}}`],
      ["PATCH", SENSOR, `{"metadata":${metadata}}`],
      ["POST", "/v1/sensors", `{"id":"named","metadata":${metadata}}`],
    ] as const) {
      const answer = await send(method, path, body);
      expect(answer.text).toContain(`"metadata":${kept}`);
    }
    expect((await api.request("GET", SENSOR)).text).toContain(`"metadata":${kept}`);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    const parsed = parseReport(new TextEncoder().encode(`{"status":"hot","status":"ok","attributes":${metadata}}`));
    expect(parsed.ok && [parsed.report.status, JSON.stringify(parsed.report.attributes)]).toEqual(["ok", kept]);
  });

  test("what is nested deeper than a body may be is a 400", async () => {
    const nested = (levels: number) => `{"metadata":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}`;
    expect((await send("PUT", SENSOR, nested(99))).status).toBe(200);
    expectProblem(await send("PUT", SENSOR, nested(100)), 400);
  });
});
