import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Fault } from "../../src/domain/fault";
import { EXPORTS_AT_ONCE_MAX } from "../../src/http/exportStream";
import type { Sensor } from "../../src/http/sensorModel";
import { openTestApi, type TestApi } from "./api";
import { readCsv, unmarked } from "./csvReader";
import { FIRST_AT, fillHistory } from "./history";
import { limitedToken } from "./limitedToken";
import { collectPages } from "./pages";
import { expectProblem, pointersOf } from "./problem";

const NAMES = ["=1+1", "@cmd", "-7", "+7", "'quoted'", "Boiler, the 7th", 'Say "hot"', "two\nlines", "Ü\u2028🔔", " =x", "\t=y", "\uff1dz"];
/** More than the first page holds. */
const PLAIN = 130;

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  for (const [index, name] of NAMES.entries()) {
    const labels = { site: index % 2 === 0 ? "north" : "south", note: '=HYPERLINK("x")' };
    await api.request("POST", "/v1/sensors", { json: { id: `named-${index}`, name, labels, metadata: { deep: [index, null] } } });
  }
  for (let index = 0; index < PLAIN; index += 1) {
    const heartbeat = index % 2 === 0 ? null : { intervalSeconds: 30, graceSeconds: 10 };
    await api.request("POST", "/v1/sensors", { json: { id: `plain-${index}`, heartbeat } });
  }
  for (const id of ["named-0", "plain-0"]) await fillHistory(api.store, id, { reports: 60, deadLetters: [] });
});
afterAll(() => api[Symbol.asyncDispose]());

const linesOf = (text: string) =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, never>);

/** The rows of a CSV file as objects, by its header. */
function tableOf(text: string): Record<string, string | null>[] {
  const [header = [], ...rows] = readCsv(text);
  for (const row of rows) expect(row).toHaveLength(header.length);
  return rows.map((row) => Object.fromEntries(row.map((field, index) => [header[index] as string, unmarked(field)])));
}

async function listed(path: string) {
  return (await collectPages<Record<string, never>>(api, path)).flat();
}

describe("an export of sensors", () => {
  test("as NDJSON holds what the list holds, each once, in its order", async () => {
    const answer = await api.request("GET", "/v1/exports/sensors");
    expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
    expect(answer.headers.get("content-disposition")).toMatch(/^attachment; filename="tocsin-sensors-\d{4}-\d\d-\d\dT\d{6}Z\.ndjson"$/);
    const lines = linesOf(answer.text);
    expect(lines).toEqual(await listed("/v1/sensors?limit=1000"));
    expect(lines).toHaveLength(NAMES.length + PLAIN);
  });

  test("as CSV holds the same, whatever characters they have, and nothing that a spreadsheet would run", async () => {
    const answer = await api.request("GET", "/v1/exports/sensors?format=csv");
    expect(answer.headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
    expect(answer.headers.get("content-disposition")).toEndWith('.csv"');
    const sensors = (await listed("/v1/sensors?limit=1000")) as unknown as Sensor[];
    const wanted = sensors.map(({ id, name, labels, metadata, heartbeat, state, createdAt, updatedAt, version }) => ({
      id,
      name,
      labels: JSON.stringify(labels),
      metadata: JSON.stringify(metadata),
      heartbeatIntervalSeconds: heartbeat === null ? null : `${heartbeat.intervalSeconds}`,
      heartbeatGraceSeconds: heartbeat === null ? null : `${heartbeat.graceSeconds}`,
      ...state,
      revision: `${state.revision}`,
      createdAt,
      updatedAt,
      version: `${version}`,
    }));
    expect(tableOf(answer.text)).toEqual(wanted);
    for (const row of readCsv(answer.text)) for (const field of row) expect(field ?? "").not.toMatch(/^\s*[=+@\uff1d]|^-\D|^\t/);
  });

  test("holds those that its filters and the token's reach let through", async () => {
    for (const query of ["label=site:north", "q=HOT", "status=ok", "availability=pending&label=site:south", "severity=critical"]) {
      const wanted = await listed(`/v1/sensors?limit=1000&${query}`);
      expect([query, linesOf((await api.request("GET", `/v1/exports/sensors?${query}`)).text)]).toEqual([query, wanted]);
    }
    const token = await limitedToken(api, ["sensors:read"], { labels: { site: "north" } });
    const lines = linesOf((await api.request("GET", "/v1/exports/sensors", { token })).text);
    expect(lines).toEqual(await listed("/v1/sensors?limit=1000&label=site:north"));
    expect((await api.request("GET", "/v1/exports/sensors?label=site:south", { token })).text).toBe("");
    const one = await limitedToken(api, ["sensors:read"], { sensorId: "plain-7" });
    expect(linesOf((await api.request("GET", "/v1/exports/sensors", { token: one })).text).map(({ id }) => String(id))).toEqual([
      "plain-7",
    ]);
    expect((await api.request("GET", "/v1/exports/sensors?format=csv&q=nobody")).text.split("\r\n")).toHaveLength(2);
    expect((await api.request("GET", "/v1/exports/sensors?q=nobody")).text).toBe("");
  });
});

describe("an export of changes", () => {
  test("holds what the list holds, each once, as NDJSON and as CSV", async () => {
    const wanted = await listed("/v1/changes?limit=1000");
    expect(wanted).toHaveLength(120);
    expect(linesOf((await api.request("GET", "/v1/exports/changes")).text)).toEqual(wanted);
    const table = tableOf((await api.request("GET", "/v1/exports/changes?format=csv")).text);
    expect(table).toHaveLength(120);
    expect(table[61]).toEqual({
      changeId: "chg_0_62",
      sensorId: "plain-0",
      sensorName: "Boiler 7",
      sensorLabels: '{"site":"north"}',
      revision: "2",
      kind: "status",
      fromStatus: "overheated",
      fromSeverity: "critical",
      fromAvailability: "online",
      toStatus: "ok",
      toSeverity: "ok",
      toAvailability: "online",
      cause: "report",
      occurredAt: new Date(FIRST_AT + 1000).toISOString(),
      detectedAt: new Date(FIRST_AT + 1000).toISOString(),
      previousDurationMs: "1000",
      value: "1",
      message: null,
      attributes: '{"index":1}',
    });
    expect(table[60]).toMatchObject({ fromStatus: null, fromSeverity: null, fromAvailability: "pending", previousDurationMs: null });
  });

  test("holds those that its filter, its range and the token's reach let through", async () => {
    const count = async (query: string, token?: string) =>
      linesOf((await api.request("GET", `/v1/exports/changes?${query}`, token === undefined ? {} : { token })).text).length;
    expect(await count("sensorId=plain-0")).toBe(60);
    expect(await count("sensorId=plain-0&sensorId=named-0&to=ok")).toBe(60);
    expect(await count("kind=availability")).toBe(2);
    expect(await count("direction=raised&label=site:north")).toBe(60);
    expect(await count("label=site:south")).toBe(0);
    expect(await count("since=2099-01-01T00:00:00Z")).toBe(0);
    expect(await count("until=2099-01-01T00:00:00Z")).toBe(120);
    expect(await count("", await limitedToken(api, ["sensors:read"], { sensorId: "named-0" }))).toBe(60);
    expect(await count("", await limitedToken(api, ["sensors:read"], { labels: { site: "south" } }))).toBe(0);
  });
});

test("an export without a query is one, whatever lists were asked for without one before", async () => {
  expect((await api.request("GET", "/v1/sensors")).status).toBe(200);
  expect((await api.request("GET", "/v1/exports/sensors")).status).toBe(200);
});

describe("the format", () => {
  test("is NDJSON unless the query or Accept says otherwise", async () => {
    const typeOf = async (query: string, accept: string) =>
      (await api.request("GET", `/v1/exports/sensors${query}`, { headers: { accept } })).headers.get("content-type")?.split(";")[0];
    for (const accept of [
      "*/*",
      "text/html, */*;q=0.8",
      "application/json",
      "application/x-ndjson",
      "text/csv;q=0.5, application/x-ndjson",
    ])
      expect(await typeOf("", accept)).toBe("application/x-ndjson");
    for (const accept of ["text/csv", "TEXT/CSV; charset=utf-8", "application/x-ndjson;q=0.1, text/csv;q=0.2", "text/csv;q=0.9, */*"])
      expect(await typeOf("", accept)).toBe("text/csv");
    expect(await typeOf("?format=ndjson", "text/csv")).toBe("application/x-ndjson");
    expect(await typeOf("?format=csv", "application/x-ndjson")).toBe("text/csv");
  });

  test("and filters that nobody knows are refused before anything is sent", async () => {
    expect(pointersOf(await api.request("GET", "/v1/exports/sensors?format=xml"))).toEqual(["/format"]);
    expect(pointersOf(await api.request("GET", "/v1/exports/sensors?label=x"))).toEqual(["/label"]);
    expect(pointersOf(await api.request("GET", "/v1/exports/changes?kind=x&since=then&limit=1"))).toEqual(["/limit"]);
    expect(pointersOf(await api.request("GET", "/v1/exports/changes?kind=x"))).toEqual(["/kind/0"]);
    const token = (await api.mint(["reports:write"])).token;
    for (const noun of ["sensors", "changes"]) expectProblem(await api.request("GET", `/v1/exports/${noun}`, { token }), 403);
  });

  test("a first page that cannot be had is a problem, as of any list, and leaves room for others", async () => {
    let away = true;
    await using other = await openTestApi({
      store: (real) => ({
        ...real,
        listSensors: (query, page) =>
          away ? Promise.reject(new Fault("unavailable", "the database is away")) : real.listSensors(query, page),
      }),
    });
    for (let count = 0; count <= EXPORTS_AT_ONCE_MAX; count += 1) expectProblem(await other.request("GET", "/v1/exports/sensors"), 503);
    away = false;
    expect((await other.request("GET", "/v1/exports/sensors")).status).toBe(200);
  });

  test("to HEAD it answers with the head alone, as often as one likes", async () => {
    for (let count = 0; count <= 2 * EXPORTS_AT_ONCE_MAX; count += 1) {
      const answer = await api.request("HEAD", "/v1/exports/changes?format=csv");
      expect([answer.status, answer.text]).toEqual([200, ""]);
    }
  });
});
