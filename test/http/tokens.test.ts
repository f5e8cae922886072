import { afterAll, beforeAll, describe, expect, setSystemTime, test } from "bun:test";
import { SCOPES, type Scope } from "../../src/domain/token";
import { ADMIN_TOKEN, openTestApi, type TestApi } from "./api";
import { expectProblem, pointersOf } from "./problem";
import { headOf, rawRequest } from "./rawRequest";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const JSON_BODY = { body: "{}", type: "application/json" };
const statusWith = async (token: string) => (await api.request("GET", "/v1/sensors", { token })).status;

describe("who is let in", () => {
  test("nobody without a token, and every refusal says how one is sent", async () => {
    const headers = [
      {},
      { authorization: "" },
      { authorization: "Bearer" },
      { authorization: "Bearer  " },
      { authorization: `Basic ${ADMIN_TOKEN}` },
      { authorization: ADMIN_TOKEN },
    ];
    for (const given of headers) {
      const answer = await api.request("GET", "/v1/sensors", { token: null, headers: given as Record<string, string> });
      expectProblem(answer, 401);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    }
  });

  test("nobody with a token that is nearly right", async () => {
    for (const token of [`${ADMIN_TOKEN}x`, ADMIN_TOKEN.slice(1), ADMIN_TOKEN.toUpperCase(), "x".repeat(5000)])
      expect(await statusWith(token)).toBe(401);
  });

  test("the holder of ADMIN_TOKEN, whatever it looks like, with every scope", async () => {
    const odd = 'a "token" with, spaces = and%20more';
    await using other = await openTestApi({ adminToken: odd });
    const answer = await other.request("GET", "/v1/tokens", { token: null, headers: { authorization: `bearer ${odd}` } });
    expect(answer.status).toBe(200);
    expectProblem(await other.request("GET", "/v1/tokens", { token: ADMIN_TOKEN }), 401);
  });

  test("the holder of an ADMIN_TOKEN beyond ASCII, in UTF-8 or Latin-1", async () => {
    const odd = "schlüssel-0123456789";
    await using other = await openTestApi({ adminToken: odd });
    for (const encoding of ["utf8", "latin1"] as const) {
      const head = Buffer.from(headOf("GET", "/v1/tokens", { authorization: `Bearer ${odd}` }), encoding);
      expect((await rawRequest(other.url, [head])).status).toBe(200);
    }
  });

  test("nobody as admin when no ADMIN_TOKEN is set", async () => {
    await using other = await openTestApi({ adminToken: null });
    for (const token of ["null", "", "undefined"]) expect((await other.request("GET", "/v1/sensors", { token })).status).toBe(401);
  });

  test("a token's holder until it expires", async () => {
    const end = Date.now() + 60_000;
    const { token } = await api.mint(["sensors:read"], end);
    expect(await statusWith(token)).toBe(200);
    setSystemTime(end);
    try {
      expect(await statusWith(token)).toBe(401);
    } finally {
      setSystemTime();
    }
  });

  test("nobody with a revoked token, at once where it was revoked", async () => {
    const { id, token } = await api.mint(["sensors:read"]);
    expect(await statusWith(token)).toBe(200);
    expect((await api.request("DELETE", `/v1/tokens/${id}`)).status).toBe(204);
    expect(await statusWith(token)).toBe(401);
    expectProblem(await api.request("DELETE", `/v1/tokens/${id}`), 404);
  });

  test("nobody a second after a token was revoked elsewhere", async () => {
    const { id, token } = await api.mint(["sensors:read"]);
    expect(await statusWith(token)).toBe(200);
    await api.store.deleteToken(id);
    const revokedAt = performance.now();
    let askedAt = revokedAt;
    while ((await statusWith(token)) === 200) {
      // Whoever was let in had asked within the second, however late the answer came.
      expect(askedAt - revokedAt).toBeLessThan(1000);
      await Bun.sleep(20);
      askedAt = performance.now();
    }
  });

  test("a token's last use is written down, beside the requests", async () => {
    const { id, token } = await api.mint(["sensors:read"]);
    const lastUsedAt = async () =>
      (await api.store.listTokens({ limit: 1000, cursor: null })).items.find((one) => one.id === id)?.lastUsedAt;
    const usedFrom = Date.now();
    expect(await statusWith(token)).toBe(200);
    while ((await lastUsedAt()) === null) await Bun.sleep(20);
    expect(await lastUsedAt()).toBeGreaterThanOrEqual(usedFrom);
  });
});

/** Every operation with the one scope, beside admin, that opens it. */
const NEEDS: [method: string, path: string, scope: Scope][] = [
  ["GET", "/v1/sensors", "sensors:read"],
  ["GET", "/v1/sensors/nobody", "sensors:read"],
  ["GET", "/v1/sensors/nobody/reports", "sensors:read"],
  ["GET", "/v1/sensors/nobody/changes", "sensors:read"],
  ["GET", "/v1/changes", "sensors:read"],
  ["GET", "/v1/statuses", "sensors:read"],
  ["GET", "/v1/incidents", "sensors:read"],
  ["GET", "/v1/dead-letters", "sensors:read"],
  ["GET", "/v1/dead-letters/none", "sensors:read"],
  ["POST", "/v1/sensors", "sensors:write"],
  ["PUT", "/v1/sensors/nobody", "sensors:write"],
  ["PATCH", "/v1/sensors/nobody", "sensors:write"],
  ["DELETE", "/v1/sensors/nobody", "sensors:write"],
  ["POST", "/v1/sensors/nobody/reports", "reports:write"],
  ["POST", "/v1/dead-letters/none/replay", "reports:write"],
  ["GET", "/v1/webhooks", "webhooks:read"],
  ["GET", "/v1/webhooks/none", "webhooks:read"],
  ["GET", "/v1/deliveries", "webhooks:read"],
  ["GET", "/v1/deliveries/none", "webhooks:read"],
  ["POST", "/v1/webhooks", "webhooks:write"],
  ["PATCH", "/v1/webhooks/none", "webhooks:write"],
  ["DELETE", "/v1/webhooks/none", "webhooks:write"],
  ["POST", "/v1/webhooks/none/test", "webhooks:write"],
  ["POST", "/v1/deliveries/none/retry", "deliveries:write"],
  ["GET", "/v1/tokens", "admin"],
  ["POST", "/v1/tokens", "admin"],
  ["GET", "/v1/tokens/none", "admin"],
  ["PATCH", "/v1/tokens/none", "admin"],
  ["GET", "/v1/audit", "admin"],
  ["DELETE", "/v1/tokens/none", "admin"],
];

test("every operation is open to its scope and to admin, and to no other", async () => {
  const minted = new Map<Scope, string>();
  for (const scope of SCOPES) minted.set(scope, (await api.mint([scope])).token);
  for (const [method, path, scope] of NEEDS) {
    for (const [held, token] of minted) {
      const answer = await api.request(method, path, { ...(method === "GET" || method === "DELETE" ? {} : JSON_BODY), token });
      const opens = held === "admin" || held === scope;
      expect({ method, path, held, refused: answer.status === 403 }).toEqual({ method, path, held, refused: !opens });
      if (!opens) expect(expectProblem(answer, 403).detail).toContain(scope);
    }
  }
});

describe("tokens", () => {
  test("are shown once", async () => {
    const expiresAt = "2099-01-01T00:00:00.000Z";
    const made = await api.request("POST", "/v1/tokens", {
      json: { name: "gateway", scopes: ["reports:write", "sensors:read"], expiresAt },
    });
    expect(made.status).toBe(201);
    const { token, ...shown } = made.json<Record<string, string>>();
    expect(token).toMatch(/^tcs_[A-Za-z0-9_-]{43}$/);
    expect(shown).toMatchObject({ name: "gateway", scopes: ["reports:write", "sensors:read"], expiresAt, lastUsedAt: null });
    const listed = await api.request("GET", "/v1/tokens?limit=1000");
    expect(listed.json<{ items: unknown[] }>().items).toContainEqual(shown);
    expect(listed.text).not.toContain(token as string);
  });

  test("that cannot be are a 422 which says why", async () => {
    const pointers = async (json: unknown) => pointersOf(await api.request("POST", "/v1/tokens", { json }));
    expect(await pointers({})).toEqual(["/name", "/scopes"]);
    expect(await pointers({ name: "", scopes: [] })).toEqual(["/name", "/scopes"]);
    expect(await pointers({ name: "a", scopes: ["root"] })).toEqual(["/scopes/0"]);
    expect(await pointers({ name: "a\u0000", scopes: ["admin", "admin"], id: "x" })).toEqual(["/id", "/name", "/scopes"]);
    expect(await pointers({ name: "a", scopes: ["admin"], expiresAt: "2020-01-01T00:00:00Z" })).toEqual(["/expiresAt"]);
    expect(await pointers({ name: "a", scopes: ["admin"], expiresAt: "2099-02-30T00:00:00Z" })).toEqual(["/expiresAt"]);
    expect(await pointers({ name: "a", scopes: ["admin"], expiresAt: 7 })).toEqual(["/expiresAt"]);
    const { errors } = expectProblem(
      await api.request("POST", "/v1/tokens", { json: { name: "a", scopes: ["admin"], expiresAt: "later" } }),
      422,
    );
    expect(errors).toEqual([{ pointer: "/expiresAt", message: "must be an RFC 3339 time with a time zone, such as 2026-11-23T10:00:00Z" }]);
  });
});
