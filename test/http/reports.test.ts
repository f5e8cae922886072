import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Fault } from "../../src/domain/fault";
import { MESSAGE_CHARS_MAX, REPORT_BYTES_MAX } from "../../src/domain/report";
import { openTestApi, type TestApi } from "./api";
import { FIRST_AT, fillHistory, STREAM } from "./history";
import { collectPages } from "./pages";
import { expectProblem, pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const report = (json: unknown, id = "boiler-7") => api.request("POST", `/v1/sensors/${id}/reports`, { json });

describe("a report", () => {
  test("is published as it was sent, and answered with the broker's acknowledgement", async () => {
    const sent = {
      status: "overheated",
      severity: "critical",
      value: 97.5,
      at: "2026-11-23T10:00:00.000Z",
      id: "m-1",
      message: "hot 🔥",
      attributes: { a: [1] },
    };
    const answer = await report(sent);
    expect(answer.status).toBe(202);
    expect(answer.json()).toEqual({ stream: "REPORTS_1_0", sequence: api.reports.published.length, duplicate: false });
    const published = api.reports.published.at(-1);
    expect(published?.sensorId).toBe("boiler-7");
    expect(published?.text.startsWith("{")).toBe(true);
    expect(JSON.parse(published?.text ?? "")).toEqual(sent);
  });

  test("begins with a brace however it was written", async () => {
    expect((await api.request("POST", "/v1/sensors/boiler-7/reports", { body: ' \n{ "status" : "ok" } ' })).status).toBe(202);
    expect(api.reports.published.at(-1)?.text).toBe('{"status":"ok"}');
  });

  test("is never answered before the acknowledgement", async () => {
    const acknowledged = Promise.withResolvers<void>();
    api.reports.gate = acknowledged.promise;
    let answered = false;
    const answer = report({ status: "ok" }).then((given) => {
      answered = true;
      return given;
    });
    // Another request makes the whole way meanwhile.
    await api.request("GET", "/v1/sensors");
    expect(answered).toBe(false);
    acknowledged.resolve();
    expect((await answer).status).toBe(202);
    api.reports.gate = Promise.resolve();
  });

  test("may be of any time that there is", async () => {
    for (const at of ["2099-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z", "2026-11-23t10:00:00+02:00", "2028-02-29T00:00:00Z"]) {
      expect((await report({ status: "ok", at })).status).toBe(202);
    }
    const none = ["yesterday", "2026-11-23", "2026-02-30T10:00:00Z", "2026-11-23T25:00:00Z", "2026-11-23T10:00:60Z", "2026-11-23T10:00:00"];
    for (const at of [...none, "", 7, null]) {
      const { errors } = expectProblem(await report({ status: "ok", at }), 422);
      expect(errors).toEqual([{ pointer: "/at", message: "must be an RFC 3339 time with a time zone, such as 2026-11-23T10:00:00Z" }]);
    }
  });

  test("that cannot be one is a 422 which points at every reason, and nothing is published", async () => {
    const before = api.reports.published.length;
    const pointers = async (json: unknown) => pointersOf(await report(json));
    expect(await pointers({})).toEqual(["/status"]);
    expect(await pointers({ status: "Not OK", severity: "fatal", value: "hot", colour: "red" })).toEqual([
      "/colour",
      "/severity",
      "/status",
      "/value",
    ]);
    expect(await pointers({ status: "" })).toEqual(["/status"]);
    expect(await pointers({ status: "x".repeat(65) })).toEqual(["/status"]);
    expect(await pointers({ status: "ok", message: "x".repeat(MESSAGE_CHARS_MAX + 1) })).toEqual(["/message"]);
    expect(await pointers({ status: "ok", message: "a\u0000" })).toEqual(["/message"]);
    expect(await pointers({ status: "ok", message: "a\ud800" })).toEqual(["/message"]);
    expect(await pointers({ status: "ok", id: "\udfff" })).toEqual(["/id"]);
    expect(await pointers({ status: "ok", attributes: { a: ["\ud800"] } })).toEqual(["/attributes"]);
    expect(await pointers({ status: "ok", attributes: { "\ud800": 1 } })).toEqual(["/attributes"]);
    expect(await pointers({ status: "ok", id: "" })).toEqual(["/id"]);
    expect(await pointers({ status: "ok", attributes: [] })).toEqual(["/attributes"]);
    expectProblem(await api.request("POST", "/v1/sensors/boiler-7/reports", { body: '{"status":"ok","value":1e999}' }), 422);
    expect(api.reports.published.length).toBe(before);
  });

  test("may be as long as the broker takes, and a byte more is a 413", async () => {
    const padded = (bytes: number) => {
      const body = { status: "ok", attributes: { fill: "" } };
      body.attributes.fill = "x".repeat(bytes - JSON.stringify(body).length);
      return JSON.stringify(body);
    };
    const post = (body: string) => api.request("POST", "/v1/sensors/boiler-7/reports", { body });
    expect((await post(padded(REPORT_BYTES_MAX))).status).toBe(202);
    expectProblem(await post(padded(REPORT_BYTES_MAX + 1)), 413);
  });

  test("that grows beyond it when it is written out is a 413, too", async () => {
    const numbers = Array.from({ length: 6000 }, () => "1e20").join(",");
    expectProblem(
      await api.request("POST", "/v1/sensors/boiler-7/reports", { body: `{"status":"ok","attributes":{"n":[${numbers}]}}` }),
      413,
    );
  });

  test("needs no registration while that is open", async () => {
    expect((await report({ status: "ok" }, "never-seen-before")).status).toBe(202);
  });

  test("of a sensor that is not registered is a 404 where registration is closed", async () => {
    await using closed = await openTestApi({ registration: "closed" });
    const post = () => closed.request("POST", "/v1/sensors/pump-1/reports", { json: { status: "ok" } });
    expectProblem(await post(), 404);
    await closed.request("POST", "/v1/sensors", { json: { id: "pump-1" } });
    expect((await post()).status).toBe(202);
    await closed.request("DELETE", "/v1/sensors/pump-1");
    expectProblem(await post(), 404);
    expect(closed.reports.published.length).toBe(1);
  });

  test("is a 503 while the broker is away", async () => {
    api.reports.failure = new Fault("unavailable", "the report was not published: no answer in time");
    expect(expectProblem(await report({ status: "ok" }), 503).detail).toContain("no answer in time");
    api.reports.failure = null;
    expect((await report({ status: "ok" })).status).toBe(202);
  });
});

interface Item {
  readonly sequence: number;
}

describe("what a sensor said", () => {
  const HISTORY = "with-history";
  beforeAll(async () => {
    await api.request("POST", "/v1/sensors", { json: { id: HISTORY } });
    await fillHistory(api.store, HISTORY, { reports: 7, deadLetters: [] });
  });
  const sequences = async (query: string) => {
    const answer = await api.request("GET", `/v1/sensors/${HISTORY}/reports?${query}`);
    return answer.json<{ items: Item[] }>().items.map(({ sequence }) => sequence);
  };

  test("is shown newest first, with what became of it", async () => {
    const answer = await api.request("GET", `/v1/sensors/${HISTORY}/reports?limit=1`);
    const at = new Date(FIRST_AT + 6000).toISOString();
    const recordedAt = expect.any(String) as string;
    const fields = { id: "m-6", status: "overheated", severity: "critical", value: 6, message: null, at, receivedAt: at, recordedAt };
    expect(answer.json<{ items: Item[] }>().items).toEqual([
      { stream: STREAM, sequence: 7, ...fields, disposition: "applied", changeId: "chg_0_7" } as Item,
    ]);
  });

  test("is read page by page in either order, each report once", async () => {
    const read = async (order: string) =>
      (await collectPages<Item>(api, `/v1/sensors/${HISTORY}/reports?limit=3&order=${order}`)).map((page) =>
        page.map(({ sequence }) => sequence),
      );
    expect(await read("desc")).toEqual([[7, 6, 5], [4, 3, 2], [1]]);
    expect(await read("asc")).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  });

  test("is found by time: from `since`, before `until`", async () => {
    const [second, fourth] = [1, 3].map((index) => encodeURIComponent(new Date(FIRST_AT + index * 1000).toISOString()));
    expect(await sequences(`since=${second}&until=${fourth}&order=asc`)).toEqual([2, 3]);
    expect(await sequences(`since=${encodeURIComponent("2026-11-23T11:00:05+01:00")}`)).toEqual([7, 6]);
    expect(pointersOf(await api.request("GET", `/v1/sensors/${HISTORY}/reports?since=now&until=2026-13-01T00:00:00Z&order=up`))).toEqual([
      "/order",
      "/since",
      "/until",
    ]);
    expect(pointersOf(await api.request("GET", `/v1/sensors/${HISTORY}/reports?until=2026-02-30T00:00:00Z`))).toEqual(["/until"]);
  });

  test("stays readable after it was deleted; of a sensor that never was it is a 404", async () => {
    await using own = await openTestApi();
    await own.request("POST", "/v1/sensors", { json: { id: "gone" } });
    await fillHistory(own.store, "gone", { reports: 2, deadLetters: [] });
    await own.request("DELETE", "/v1/sensors/gone");
    for (const kind of ["reports", "changes"]) {
      expect((await own.request("GET", `/v1/sensors/gone/${kind}`)).json<{ items: Item[] }>().items.length).toBe(2);
      expectProblem(await own.request("GET", `/v1/sensors/never/${kind}`), 404);
    }
  });

  test("is not read on with another list's cursor", async () => {
    const { nextCursor } = (await api.request("GET", `/v1/sensors/${HISTORY}/reports?limit=1`)).json<{ nextCursor: string }>();
    expect(pointersOf(await api.request("GET", `/v1/sensors/${HISTORY}/changes?cursor=${nextCursor}`))).toEqual(["/cursor"]);
  });
});
