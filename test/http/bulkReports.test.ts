import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Fault } from "../../src/domain/fault";
import { REPORT_BYTES_MAX } from "../../src/domain/report";
import { BULK_BYTES_MAX, BULK_ITEMS_MAX } from "../../src/http/bulk/bulk";
import { openTestApi, type TestApi } from "./api";
import { LINES, REPORTS, sendItems, sendTexts, statusesOf } from "./bulkBodies";
import { expectProblem, pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());
beforeEach(() => {
  api.reports.published.length = 0;
  api.reports.failure = null;
});

const FORMS = ["json", "lines"] as const;
const report = (sensorId: string, rest: object = {}) => ({ sensorId, status: "ok", ...rest });

describe("many reports", () => {
  for (const form of FORMS) {
    test(`as ${form} are accepted and refused one by one, in their order`, async () => {
      const items = [
        report("a", { value: 1 }),
        { sensorId: "b", status: "Not OK", colour: 1 },
        7,
        { status: "ok" },
        report("c", { id: "m-1" }),
      ];
      const { status, answer, ...result } = await sendItems(api, REPORTS, items, { form });
      expect(status).toBe(202);
      expect(answer.headers.get("content-type")).toBe(form === "json" ? "application/json" : LINES);
      expect(result).toMatchObject({ accepted: 2, refused: 3, stopped: null });
      expect(result.items).toEqual([
        { index: 0, status: 202, stream: "REPORTS_1_0", sequence: 1, duplicate: false },
        { index: 1, status: 422, errors: expect.any(Array) as never, detail: "The report is not valid." },
        { index: 2, status: 422, errors: [{ pointer: "", message: "must be an object" }], detail: "The report is not valid." },
        { index: 3, status: 422, errors: [{ pointer: "/sensorId", message: "is missing" }], detail: "The report is not valid." },
        { index: 4, status: 202, stream: "REPORTS_1_0", sequence: 2, duplicate: false },
      ]);
      expect(result.items[1]?.errors?.map(({ pointer }) => pointer).toSorted()).toEqual(["/colour", "/status"]);
      expect(api.reports.published).toEqual([
        { sensorId: "a", text: '{"status":"ok","value":1}' },
        { sensorId: "c", text: '{"status":"ok","id":"m-1"}' },
      ]);
    });
  }

  for (const form of FORMS) {
    test(`as ${form} get ids of an Idempotency-Key and their places, where they give none`, async () => {
      const items = [report("a"), report("b", { id: "own" }), { status: "ok" }, report("a")];
      const headers = { "idempotency-key": "batch-7" };
      for (const _ of [1, 2]) expect(await sendItems(api, REPORTS, items, { form, headers })).toMatchObject({ accepted: 3, refused: 1 });
      const once = [
        { sensorId: "a", text: '{"status":"ok","id":"batch-7:0"}' },
        { sensorId: "b", text: '{"status":"ok","id":"own"}' },
        { sensorId: "a", text: '{"status":"ok","id":"batch-7:3"}' },
      ];
      expect(api.reports.published).toEqual([...once, ...once]);
    });
  }

  test("are refused with an Idempotency-Key that is none, and none of them is published", async () => {
    for (const key of ["", "x".repeat(121), "é"]) {
      const answer = await api.request("POST", "/v1/reports", { json: [report("a")], headers: { "idempotency-key": key } });
      expect(pointersOf(answer)).toEqual(["/idempotency-key"]);
    }
    expect(api.reports.published).toEqual([]);
  });

  test("are published without their sensor, whatever their members' order and spelling", async () => {
    const texts = [
      '{"sensorId":"a","status":"ok"}',
      '{"sensorId":"a", "status" : "ok" }',
      ' {"status":"ok","sensorId":"a"} ',
      '{ "sensorId":"a","status":"ok"}',
      '{"sensor\\u0049d":"a","status":"ok"}',
      '{"sensorId":"b","status":"ok","sensorId":"a"}',
      '{"sensorId":"\\u0061","status":"ok"}',
    ];
    const { accepted } = await sendTexts(api, REPORTS, texts);
    expect(accepted).toBe(texts.length);
    for (const { sensorId, text } of api.reports.published) {
      expect(text.startsWith("{")).toBe(true);
      expect([sensorId, JSON.parse(text)]).toEqual(["a", { status: "ok" }]);
    }
  });

  test("that cannot be read are refused by themselves", async () => {
    const nested = (levels: number) => `{"sensorId":"a","status":"ok","attributes":{"a":${"[".repeat(levels)}${"]".repeat(levels)}}}`;
    const texts = [
      "{",
      "nul",
      '{"sensorId":"a",}',
      '{"sensorId":"a","status":"ok"}x',
      nested(99),
      nested(5000),
      '{"sensorId":"a b","status":"ok"}',
    ];
    const padded = JSON.stringify(report("a", { attributes: { fill: "x".repeat(2 * REPORT_BYTES_MAX) } }));
    const result = await sendTexts(api, REPORTS, [...texts, padded, nested(3)]);
    expect(statusesOf(result)).toEqual([400, 400, 400, 400, 400, 400, 422, 413, 202]);
    const array = await sendTexts(api, REPORTS, ['{"a":}', "nul", padded, nested(3)], { form: "json" });
    expect(statusesOf(array)).toEqual([400, 400, 413, 202]);
    const broken = new Uint8Array([
      ...Buffer.from('{"sensorId":"a","status":"ok","message":"'),
      0xff,
      ...Buffer.from('"}\n{"sensorId":"a","status":"ok"}'),
    ]);
    const { text } = await api.request("POST", "/v1/reports", { body: broken, type: LINES });
    expect(text.split("\n").map((line) => (line === "" ? null : (JSON.parse(line) as { status?: number }).status))).toEqual([
      400,
      202,
      undefined,
      null,
    ]);
  });

  test("are told of minimally, if so preferred: only those that were refused", async () => {
    for (const form of FORMS) {
      for (const prefer of ["return=minimal", "respond-async, return=minimal; x=1"]) {
        const { answer, ...result } = await sendItems(api, REPORTS, [report("a"), {}, report("b")], { form, headers: { prefer } });
        expect(answer.headers.get("preference-applied")).toBe("return=minimal");
        expect(result).toMatchObject({ accepted: 2, refused: 1, items: [{ index: 1, status: 422 }] });
        expect(result.items).toHaveLength(1);
      }
      for (const prefer of ["return=minimalist", "return=representation, return=minimal", 'foo="a, return=minimal"']) {
        expect((await sendItems(api, REPORTS, [report("a")], { form, headers: { prefer } })).items).toHaveLength(1);
      }
    }
  });

  test("may be none", async () => {
    for (const form of FORMS) {
      expect(await sendItems(api, REPORTS, [], { form })).toMatchObject({ status: 202, accepted: 0, refused: 0, stopped: null, items: [] });
    }
  });

  test("are at most so many: the rest is not read, and the answer says so", async () => {
    const texts = Array.from({ length: BULK_ITEMS_MAX + 1000 }, (_, index) => `{"sensorId":"a","status":"ok","value":${index}}`);
    for (const form of FORMS) {
      api.reports.published.length = 0;
      const result = await sendTexts(api, REPORTS, texts, { form, headers: { prefer: "return=minimal" } });
      expect(result).toMatchObject({ status: 202, accepted: BULK_ITEMS_MAX, refused: 0, stopped: { status: 413 } });
      expect(result.stopped?.detail).toContain(String(BULK_ITEMS_MAX));
      expect(api.reports.published).toHaveLength(BULK_ITEMS_MAX);
    }
    const exactly = await sendTexts(api, REPORTS, texts.slice(0, BULK_ITEMS_MAX), { headers: { prefer: "return=minimal" } });
    expect(exactly).toMatchObject({ accepted: BULK_ITEMS_MAX, stopped: null });
  }, 60_000);

  test("take at most so many bytes, announced or not", async () => {
    const line = `${JSON.stringify(report("a", { message: "m".repeat(4000) }))}\n`;
    const body = line.repeat(Math.ceil(BULK_BYTES_MAX / line.length) + 100);
    expectProblem(await api.request("POST", "/v1/reports", { body, type: LINES }), 413);
    const inChunks = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < body.length; at += 1_000_000) controller.enqueue(Buffer.from(body.slice(at, at + 1_000_000)));
        controller.close();
      },
    });
    const { status, text } = await api.request("POST", "/v1/reports", {
      body: inChunks,
      type: LINES,
      headers: { prefer: "return=minimal" },
    });
    expect(status).toBe(202);
    const { accepted, stopped } = JSON.parse(text) as { accepted: number; stopped: { status: number } };
    expect(stopped.status).toBe(413);
    expect(accepted).toBe(api.reports.published.length);
    expect(accepted).toBeGreaterThan(0.9 * (BULK_BYTES_MAX / line.length));
  }, 60_000);

  test("are a problem as a whole where no item can be read", async () => {
    for (const body of ["", "{}", "7", "[", "\ufeff[]"]) expectProblem(await api.request("POST", "/v1/reports", { body }), 400);
    expectProblem(await api.request("POST", "/v1/reports", { body: "[]", type: "text/plain" }), 415);
    const broken = await api.request("POST", "/v1/reports", { body: '[{"sensorId":"a","status":"ok"},{"sensorId' });
    expect(broken.json()).toMatchObject({ accepted: 1, refused: 0, stopped: { status: 400 }, items: [{ status: 202 }] });
  });

  test("are refused by what would refuse each of them alone", async () => {
    api.reports.failure = new Fault("unavailable", "the report is not known to be stored: no answer in time");
    const away = await sendItems(api, REPORTS, [report("a"), {}, report("b")]);
    expect([away.status, ...statusesOf(away)]).toEqual([202, 503, 422, 503]);
    expect(away.items[0]?.detail).toContain("no answer in time");
    api.reports.failure = new Error("a secret of ours");
    const broken = await sendItems(api, REPORTS, [report("a")]);
    expect(statusesOf(broken)).toEqual([500]);
    expect(broken.answer.text).not.toContain("secret");
    expect(String(api.faults.pop())).toContain("secret");
  });

  test("are told why they were refused as long as there is room for it", async () => {
    const items = Array.from({ length: 20_000 }, (_, index) => ({
      sensorId: "a",
      status: "ok",
      [`${"x".repeat(300)}${index}`]: 1,
      [`y${index}`]: 1,
    }));
    const { refused, items: results, answer } = await sendItems(api, REPORTS, items);
    expect(refused).toBe(items.length);
    expect(results[0]?.errors?.[1]?.pointer).toBe("/y0");
    expect(results.at(-1)).toMatchObject({ status: 422, errors: [], detail: expect.stringContaining("left out") as never });
    expect(answer.text.length).toBeLessThan(8 * 1024 * 1024);
  }, 60_000);
});

describe("whose reports are taken", () => {
  test("is asked for each, where only registered sensors may report", async () => {
    await using closed = await openTestApi({ registration: "closed" });
    const send = async () =>
      statusesOf(
        await sendItems(
          closed,
          REPORTS,
          ["a", "b", "a"].map((id) => report(id)),
        ),
      );
    expect(await send()).toEqual([404, 404, 404]);
    await closed.request("POST", "/v1/sensors", { json: { id: "a" } });
    expect(await send()).toEqual([202, 404, 202]);
    await closed.request("POST", "/v1/sensors", { json: { id: "b" } });
    expect(await send()).toEqual([202, 202, 202]);
    expect(closed.reports.published.map(({ sensorId }) => sensorId)).toEqual(["a", "a", "a", "b", "a"]);
  });

  test("is asked of the store for many at once, and of each again after a moment", async () => {
    const asked: (readonly string[])[] = [];
    await using closed = await openTestApi({
      registration: "closed",
      store: (real) => ({
        ...real,
        loadSensors(ids) {
          asked.push(ids);
          return real.loadSensors(ids);
        },
      }),
    });
    await closed.request("POST", "/v1/sensors", { json: { id: "a" } });
    const { accepted } = await sendItems(
      closed,
      REPORTS,
      Array.from({ length: 1000 }, () => report("a")),
    );
    expect([accepted, asked]).toEqual([1000, [["a"]]]);
  });

  test("cannot be told while the store is away: 503 for each", async () => {
    await using closed = await openTestApi({
      registration: "closed",
      store: (real) => ({ ...real, loadSensors: () => Promise.reject(new Fault("unavailable", "the database is away")) }),
    });
    expect(statusesOf(await sendItems(closed, REPORTS, [report("a"), {}]))).toEqual([503, 422]);
  });
});
