import { describe, expect, test } from "bun:test";
import Database from "better-sqlite3";
import { Fault } from "../../src/domain/fault";
import { until } from "../until";
import { openTestApi, type TestApi } from "./api";
import { expectProblem } from "./problem";

/** Holds the database's write lock from another connection while `work` runs. */
async function whileLocked(api: TestApi, work: () => Promise<void>): Promise<void> {
  const other = new Database(api.dbFile);
  other.exec("begin immediate");
  try {
    await work();
  } finally {
    other.exec("rollback");
    other.close();
  }
}

describe("while the database is locked", () => {
  test("writes are told to come again, and done when it is free", async () => {
    await using api = await openTestApi();
    await api.request("POST", "/v1/sensors", { json: { id: "boiler-7" } });
    const { id } = (await api.request("POST", "/v1/webhooks", { json: { url: "https://example.com/" } })).json<{ id: string }>();
    const heard = api.webhooksChanged();
    const writes: [string, string, object?][] = [
      ["POST", "/v1/sensors", { id: "pump-1" }],
      ["PUT", "/v1/sensors/boiler-7", {}],
      ["PATCH", "/v1/sensors/boiler-7", {}],
      ["POST", "/v1/webhooks", { url: "https://example.com/" }],
      ["PATCH", `/v1/webhooks/${id}`, {}],
      ["POST", "/v1/tokens", { name: "t", scopes: ["admin"] }],
      ["DELETE", `/v1/webhooks/${id}`],
      ["DELETE", "/v1/sensors/boiler-7"],
    ];
    const ask = ([method, path, json]: (typeof writes)[number]) => api.request(method, path, json === undefined ? {} : { json });
    await whileLocked(api, async () => {
      for (const write of writes) expect(expectProblem(await ask(write), 503).detail).toContain("locked");
      expect((await api.request("GET", "/v1/sensors/boiler-7")).status).toBe(200);
      expect((await api.request("POST", "/v1/sensors/boiler-7/reports", { json: { status: "ok" } })).status).toBe(202);
    });
    expect(api.webhooksChanged()).toBe(heard);
    for (const write of writes) expect((await ask(write)).status).toBeLessThan(300);
    expect(api.faults).toEqual([]);
  });

  test("/readyz names the database and the reason, and says ready when it is free", async () => {
    await using api = await openTestApi();
    await whileLocked(api, async () => {
      const answer = await api.request("GET", "/readyz", { token: null });
      expect(answer.status).toBe(503);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(answer.json()).toMatchObject({
        detail: "store: the database is locked by another process",
        dependencies: [
          { name: "nats", up: true, reason: null },
          { name: "store", up: false, reason: "the database is locked by another process" },
        ],
      });
      expect((await api.request("GET", "/livez", { token: null })).status).toBe(200);
      expect((await api.request("GET", "/metrics", { token: null })).text).toContain('tocsin_dependency_up{dependency="store"} 0');
    });
    await until(async () => (await api.request("GET", "/readyz", { token: null })).status === 200);
    expect((await api.request("GET", "/metrics", { token: null })).text).toContain('tocsin_dependency_up{dependency="store"} 1');
  });
});

test("a token that cannot be looked up is a 503 and not a 401, and one that is known need not be", async () => {
  const away = new Fault("unavailable", "the database's file cannot be read or written");
  let isAway = false;
  await using api = await openTestApi({
    store: (real) => ({ ...real, findTokens: (hashes) => (isAway ? Promise.reject(away) : real.findTokens(hashes)) }),
  });
  const { token } = await api.mint(["sensors:read"]);
  isAway = true;
  expectProblem(await api.request("GET", "/v1/sensors", { token }), 503);
  expect((await api.request("GET", "/v1/sensors")).status).toBe(200);
});

test("/readyz names the broker when it is gone, and asks for no token", async () => {
  await using api = await openTestApi({
    checks: { nats: () => Promise.reject(new Error("no connection to nats://127.0.0.1:4222")), store: async () => {} },
  });
  const answer = await api.request("GET", "/readyz", { token: null });
  expect(answer.status).toBe(503);
  expect(answer.json()).toMatchObject({
    status: 503,
    detail: "nats: no connection to nats://127.0.0.1:4222",
    dependencies: [
      { name: "nats", up: false },
      { name: "store", up: true },
    ],
  });
});
