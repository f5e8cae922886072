import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Fault } from "../../src/domain/fault";
import { REPORT_BYTES_MAX } from "../../src/domain/report";
import { openTestApi, type TestApi } from "./api";
import { FIRST_AT, fillHistory, STREAM } from "./history";
import { collectPages } from "./pages";
import { expectProblem } from "./problem";

interface Item {
  readonly id: string;
  readonly subject: string;
  readonly payloadBase64: string;
}

const LETTERS = [
  { subject: "reports.1.0.boiler-7", text: '{"status":' },
  { subject: "sensors.boiler-8.status", text: "ok" },
  { subject: "reports.1.0.$probe", text: "x" },
  { subject: "sensors.a.b.status", text: "ok" },
  { subject: "sensors.boiler-9", text: "ok" },
  { subject: "reports.1.0.large", text: "x".repeat(REPORT_BYTES_MAX + 1) },
];

let api: TestApi;
let bySubject: Map<string, Item>;
beforeAll(async () => {
  api = await openTestApi();
  await fillHistory(api.store, "boiler-7", { reports: 0, deadLetters: LETTERS });
  const { items } = (await api.request("GET", "/v1/dead-letters")).json<{ items: Item[] }>();
  bySubject = new Map(items.map((item) => [item.subject, item]));
});
afterAll(() => api[Symbol.asyncDispose]());

test("dead letters are listed newest first, page by page, each once", async () => {
  const pages = await collectPages<Item>(api, "/v1/dead-letters?limit=4");
  expect(pages.flat().map(({ subject }) => subject)).toEqual(LETTERS.map(({ subject }) => subject).toReversed());
  expect(pages.length).toBe(2);
});

test("a dead letter is shown with its bytes and the reason", async () => {
  const id = bySubject.get("reports.1.0.boiler-7")?.id;
  const shown = (await api.request("GET", `/v1/dead-letters/${id}`)).json();
  expect(shown).toEqual({
    id,
    subject: "reports.1.0.boiler-7",
    stream: STREAM,
    sequence: 1,
    receivedAt: new Date(FIRST_AT).toISOString(),
    reason: "the payload starts with { but is not JSON",
    payloadBase64: Buffer.from('{"status":').toString("base64"),
  });
  expectProblem(await api.request("GET", "/v1/dead-letters/none"), 404);
});

describe("a replay", () => {
  const replay = (subject: string) => api.request("POST", `/v1/dead-letters/${bySubject.get(subject)?.id}/replay`);

  test("publishes the same bytes for the sensor that they were meant for", async () => {
    for (const [subject, sensorId, text] of [
      ["reports.1.0.boiler-7", "boiler-7", '{"status":'],
      ["sensors.boiler-8.status", "boiler-8", "ok"],
    ] as const) {
      const answer = await replay(subject);
      expect({ status: answer.status, body: answer.json() }).toMatchObject({
        status: 202,
        body: { stream: "REPORTS_1_0", duplicate: false },
      });
      expect(api.reports.published.at(-1)).toEqual({ sensorId, text });
    }
  });

  test("of what was meant for no sensor, or can be no report, is a 409", async () => {
    const before = api.reports.published.length;
    for (const subject of ["reports.1.0.$probe", "sensors.a.b.status", "sensors.boiler-9", "reports.1.0.large"])
      expectProblem(await replay(subject), 409);
    expect(api.reports.published.length).toBe(before);
    expectProblem(await api.request("POST", "/v1/dead-letters/none/replay"), 404);
  });

  test("is a 503 while the broker is away", async () => {
    api.reports.failure = new Fault("unavailable", "no answer in time");
    expectProblem(await replay("reports.1.0.boiler-7"), 503);
    api.reports.failure = null;
  });
});
