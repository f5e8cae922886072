import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { STATUS_CATALOGUE } from "../../src/domain/severity";
import { STATUSES_MAX } from "../../src/domain/statusCatalogue";
import { openTestApi, type TestApi } from "./api";
import { collectPages } from "./pages";
import { expectProblem, pointersOf } from "./problem";
import { limitedToken } from "./limitedToken";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

interface Status {
  readonly status: string;
  readonly severity: string;
  readonly source: string;
  readonly version: number;
}

const put = (status: string, json: unknown, headers: Record<string, string> = {}) =>
  api.request("PUT", `/v1/statuses/${status}`, { json, headers });

describe("the catalogue", () => {
  test("lists what is built in and what operators set, by status, page by page, each once, also while it is edited", async () => {
    for (const status of ["zz", "door.open", "hot"]) expect((await put(status, { severity: "critical" })).status).toBeLessThan(300);
    const pages = await collectPages<Status>(api, "/v1/statuses?limit=7");
    const listed = pages.flat();
    expect(listed.map(({ status }) => status)).toEqual([...new Set([...STATUS_CATALOGUE.keys(), "zz", "door.open"])].toSorted());
    for (const { status, severity, source } of listed) {
      const edited = ["zz", "door.open", "hot"].includes(status);
      expect([status, severity, source]).toEqual([
        status,
        edited ? "critical" : (STATUS_CATALOGUE.get(status) ?? ""),
        edited ? "operator" : "builtIn",
      ]);
    }
    const first = (await api.request("GET", "/v1/statuses?limit=2")).json<{ items: Status[]; nextCursor: string }>();
    const next = listed[2]?.status ?? "";
    expect(STATUS_CATALOGUE.has(next)).toBe(true);
    await put("aaa", { severity: "ok" });
    const second = (await api.request("GET", `/v1/statuses?limit=1&cursor=${first.nextCursor}`)).json<{ items: Status[] }>();
    expect(second.items[0]?.status).toBe(next);
    for (const status of ["zz", "door.open", "hot", "aaa"])
      expect((await api.request("DELETE", `/v1/statuses/${status}`)).status).toBe(204);
  });

  test("tells of one status what it is, who said so, and what it falls back to", async () => {
    const built = await api.request("GET", "/v1/statuses/hot");
    expect(built.json()).toEqual({
      status: "hot",
      severity: "warning",
      description: "",
      source: "builtIn",
      builtInSeverity: "warning",
      version: 1,
      createdAt: null,
      updatedAt: null,
    });
    expect(built.headers.get("etag")).toBe('"1"');
    const edited = await put("hot", { severity: "critical", description: "Über 80 °C" }, { "if-match": '"1"' });
    expect(edited.status).toBe(200);
    const time = expect.stringMatching(/Z$/) as string;
    const version = edited.json<Status>().version;
    const wanted = { severity: "critical", description: "Über 80 °C", source: "operator", builtInSeverity: "warning", version };
    expect(edited.json()).toEqual({ status: "hot", ...wanted, createdAt: time, updatedAt: time });
    const read = await api.request("GET", "/v1/statuses/hot");
    expect(read.json()).toEqual(edited.json());
    expect(read.headers.get("etag")).toBe(`"${version}"`);
    expect((await api.request("DELETE", "/v1/statuses/hot", { headers: { "if-match": `"${version}"` } })).status).toBe(204);
    expect((await api.request("GET", "/v1/statuses/hot")).json()).toEqual(built.json());
    expectProblem(await api.request("DELETE", "/v1/statuses/hot"), 409);
  });
});

describe("an edit of a status", () => {
  test("makes one that was not there: 201 and where it is; and takes it away again", async () => {
    const made = await put("door.ajar", { severity: "warning" });
    expect(made.status).toBe(201);
    expect(made.headers.get("location")).toBe("/v1/statuses/door.ajar");
    expect(made.json()).toMatchObject({ source: "operator", builtInSeverity: null, description: "" });
    expect((await put("door.ajar", { severity: "ok" })).status).toBe(200);
    expect((await api.request("DELETE", "/v1/statuses/door.ajar")).status).toBe(204);
    expectProblem(await api.request("GET", "/v1/statuses/door.ajar"), 404);
    expectProblem(await api.request("DELETE", "/v1/statuses/door.ajar"), 404);
  });

  test("on a version that is not there any more is refused", async () => {
    const { version } = (await put("versioned", { severity: "ok" })).json<Status>();
    expect((await put("versioned", { severity: "warning" }, { "if-match": `"${version}"` })).status).toBe(200);
    for (const tag of [`"${version}"`, '"1"', 'W/"1"', '"x"'])
      expectProblem(await put("versioned", { severity: "critical" }, { "if-match": tag }), 412);
    for (const tag of ["*", '"1"']) expectProblem(await put("never.made", { severity: "critical" }, { "if-match": tag }), 412);
    expect((await put("versioned", { severity: "ok" }, { "if-match": "*" })).status).toBe(200);
    expect((await put("running", { severity: "warning" }, { "if-match": "*" })).status).toBe(200);
    // Deleted and made again, it is another one.
    await api.request("DELETE", "/v1/statuses/versioned");
    await put("versioned", { severity: "critical" });
    expectProblem(await put("versioned", { severity: "ok" }, { "if-match": `"${version}"` }), 412);
  });

  test("is told what is wrong with it", async () => {
    expect(pointersOf(await put("door.open", { severity: "grave", description: "x".repeat(513), colour: "red" }))).toEqual([
      "/colour",
      "/description",
      "/severity",
    ]);
    expect(pointersOf(await put("door.open", {}))).toEqual(["/severity"]);
    for (const status of ["Door", "door%20open", ".open", "x".repeat(65)])
      expect(pointersOf(await put(status, { severity: "ok" }))).toEqual(["/status"]);
  });

  test("is for tokens that may write, and for all sensors", async () => {
    const reader = (await api.mint(["sensors:read"])).token;
    const writer = (await api.mint(["sensors:write"])).token;
    const asked = (token: string) => api.request("PUT", "/v1/statuses/by.token", { json: { severity: "ok" }, token });
    expectProblem(await asked(reader), 403);
    expect((await asked(writer)).status).toBe(201);
    const limited = await limitedToken(api, ["sensors:read", "sensors:write"], { labels: { site: "north" } });
    expectProblem(await asked(limited), 403);
    expectProblem(await api.request("DELETE", "/v1/statuses/by.token", { token: limited }), 403);
    expect((await api.request("GET", "/v1/statuses/by.token", { token: limited })).status).toBe(200);
  });

  test("has room beside so many others, and no more", async () => {
    const { items } = (await api.request("GET", "/v1/statuses?limit=1000")).json<{ items: Status[] }>();
    const edited = items.filter(({ source }) => source === "operator").length;
    for (let count = edited; count < STATUSES_MAX; count += 1)
      await api.store.putStatus({ status: `s${count}`, severity: "ok", description: "" }, null);
    expectProblem(await put("one.more", { severity: "ok" }), 409);
  });
});
