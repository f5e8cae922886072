import { afterAll, beforeAll, describe, expect, setSystemTime, test } from "bun:test";
import { openTestApi, type TestApi } from "./api";
import { FIRST_AT, fillHistory } from "./history";
import { limitedToken } from "./limitedToken";
import { expectProblem, pointersOf } from "./problem";

const REPORTS = 7;
/** When the last report came. */
const LAST_AT = FIRST_AT + (REPORTS - 1) * 1000;

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  for (const id of ["boiler-7", "silent", "gone"]) await api.request("POST", "/v1/sensors", { json: { id, labels: { site: "north" } } });
  for (const id of ["boiler-7", "gone"]) await fillHistory(api.store, id, { reports: REPORTS, deadLetters: [] });
  // What is recorded in the log has happened by then.
  setSystemTime(LAST_AT + 3000);
  await api.request("DELETE", "/v1/sensors/gone");
  setSystemTime(LAST_AT + 5000);
});
afterAll(async () => {
  setSystemTime();
  await api[Symbol.asyncDispose]();
});

const time = (ms: number) => new Date(FIRST_AT + ms).toISOString();
const ask = (id: string, query = "", token?: string) =>
  api.request("GET", `/v1/sensors/${id}/uptime${query}`, token === undefined ? {} : { token });

describe("the times of a sensor", () => {
  test("within a window are told in milliseconds and shares", async () => {
    const answer = await ask("boiler-7", `?since=${time(500)}&until=${time(4500)}`);
    expect(answer.json()).toEqual({
      sensorId: "boiler-7",
      since: time(500),
      until: time(4500),
      judgedSince: time(500),
      judgedUntil: time(4500),
      judgedMs: 4000,
      uptime: 1,
      availability: { online: { ms: 4000, share: 1 }, offline: { ms: 0, share: 0 } },
      severities: {
        ok: { ms: 2000, share: 0.5 },
        warning: { ms: 0, share: 0 },
        critical: { ms: 2000, share: 0.5 },
        unknown: { ms: 0, share: 0 },
      },
      statuses: [
        { status: "ok", ms: 2000, share: 0.5 },
        { status: "overheated", ms: 2000, share: 0.5 },
      ],
      changes: 4,
      longestOutage: null,
    });
  });

  test("are those of the last 24 hours unless said otherwise, and end now", async () => {
    const now = LAST_AT + 5000 - FIRST_AT;
    for (const query of ["", "?until=2099-01-01T00:00:00Z"]) {
      expect((await ask("boiler-7", query)).json()).toMatchObject({
        since: time(now - 24 * 3600 * 1000),
        until: time(now),
        judgedSince: time(0),
        judgedUntil: time(now),
        judgedMs: now,
        changes: REPORTS,
      });
    }
  });

  test("are those of its last state where nothing changed in the window", async () => {
    const since = LAST_AT - FIRST_AT + 2000;
    expect((await ask("boiler-7", `?since=${time(since)}`)).json()).toMatchObject({
      judgedMs: 3000,
      changes: 0,
      statuses: [{ status: "overheated", ms: 3000, share: 1 }],
    });
  });

  test("end with its deletion, and are read after it", async () => {
    const until = LAST_AT - FIRST_AT + 3000;
    expect((await ask("gone")).json()).toMatchObject({ judgedSince: time(0), judgedUntil: time(until), judgedMs: until });
  });

  test("are none while it was never heard", async () => {
    expect((await ask("silent")).json()).toMatchObject({ judgedSince: null, judgedUntil: null, judgedMs: 0, uptime: null, statuses: [] });
  });

  test("are found in a long history without reading all of it", async () => {
    await api.request("POST", "/v1/sensors", { json: { id: "busy" } });
    await fillHistory(api.store, "busy", { reports: 1500, deadLetters: [] });
    setSystemTime(FIRST_AT + 1_500_000);
    const all = await ask("busy", `?since=${time(0)}`);
    expect(all.json()).toMatchObject({ changes: 1500, judgedMs: 1_500_000, statuses: [{ ms: 750_000 }, { ms: 750_000 }] });
    expect((await ask("busy", `?since=${time(1_400_500)}&until=${time(1_401_500)}`)).json()).toMatchObject({ changes: 1, judgedMs: 1000 });
    setSystemTime(LAST_AT + 5000);
  });
});

describe("a window", () => {
  test("that cannot be is refused", async () => {
    for (const query of [
      `?since=${time(5000)}&until=${time(5000)}`,
      "?since=2099-01-01T00:00:00Z",
      "?since=2020-01-01T00:00:00Z",
      "?since=yesterday",
    ])
      expect(pointersOf(await ask("boiler-7", query))).toEqual(["/since"]);
    expect(pointersOf(await ask("boiler-7", "?limit=1"))).toEqual(["/limit"]);
  });
});

describe("a sensor", () => {
  test("that nobody knows has no times", async () => {
    expectProblem(await ask("nobody"), 404);
  });

  test("that lies out of the token's reach is as one that nobody knows, also once it is deleted; so are its reports and changes", async () => {
    const near = await limitedToken(api, ["sensors:read"], { labels: { site: "north" } });
    const far = await limitedToken(api, ["sensors:read"], { labels: { site: "south" } });
    const own = await limitedToken(api, ["sensors:read"], { sensorId: "boiler-7" });
    for (const path of ["uptime", "reports", "changes"]) {
      const asked = (id: string, token: string) => api.request("GET", `/v1/sensors/${id}/${path}`, { token });
      for (const id of ["boiler-7", "gone"]) {
        expect((await asked(id, near)).status).toBe(200);
        const refused = expectProblem(await asked(id, far), 404);
        const unknown = expectProblem(await asked("nobody", far), 404);
        expect(refused.detail.replace(id, "nobody")).toBe(unknown.detail);
      }
      expect((await asked("boiler-7", own)).status).toBe(200);
      expectProblem(await asked("gone", own), 404);
    }
  });
});
