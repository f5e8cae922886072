import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Fault } from "../../src/domain/fault";
import { openTestApi, type Sent, type TestApi } from "./api";
import { goodCalls, makeThings } from "./goodCalls";
import { expectProblem, pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

interface Entry {
  readonly id: string;
  readonly at: string;
  readonly actor: { readonly kind: string; readonly id: string; readonly name: string };
  readonly operation: string;
  readonly target: string | null;
  readonly requestId: string;
  readonly address: string | null;
  readonly status: number | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

async function entries(query = "", server = api): Promise<Entry[]> {
  return (await server.request("GET", `/v1/audit?limit=1000${query}`)).json<{ items: Entry[] }>().items;
}

/** What one request leaves in the log. */
async function left(method: string, path: string, sent: Sent = {}): Promise<Entry[]> {
  const before = (await entries()).length;
  await api.request(method, path, sent);
  const after = await entries();
  return after.slice(0, after.length - before);
}

describe("an edit is in the audit log", () => {
  test("with who asked for it, what it is, whence it came and how it ended", async () => {
    const from = Date.now();
    const answer = await api.request("POST", "/v1/sensors", {
      json: { id: "pump-1", labels: { site: "north" } },
      headers: { "x-request-id": "trace-7" },
    });
    expect(answer.status).toBe(201);
    const [entry] = await entries("&target=pump-1");
    expect(entry).toEqual({
      id: expect.stringMatching(/^aud_\d+$/) as never,
      at: entry?.at ?? "",
      actor: { kind: "admin", id: "admin", name: "ADMIN_TOKEN" },
      operation: "createSensor",
      target: "pump-1",
      requestId: "trace-7",
      address: "127.0.0.1",
      status: 201,
      detail: { fields: ["id", "labels"], body: { id: "pump-1", labels: { site: "north" } } },
    });
    expect(Date.parse(entry?.at ?? "")).toBeGreaterThanOrEqual(from);
  });

  test("by the token that asked, and with the id that it made", async () => {
    const { id } = await api.mint(["sensors:write"]);
    const minted = (await entries()).find(({ target }) => target === id);
    expect(minted).toMatchObject({ operation: "createToken", status: 201, detail: { body: { scopes: ["sensors:write"] } } });
    const { token } = await api.mint(["sensors:write"]);
    const [entry] = await left("PATCH", "/v1/sensors/pump-1", { token, json: { name: "Pump" } });
    expect(entry).toMatchObject({ actor: { kind: "token", name: "test" }, operation: "patchSensor", target: "pump-1", status: 200 });
  });

  test("when it was refused by what it found, too", async () => {
    expect(await left("DELETE", "/v1/sensors/nobody")).toMatchObject([{ operation: "deleteSensor", target: "nobody", status: 404 }]);
    expect(await left("DELETE", "/v1/statuses/hot")).toMatchObject([{ operation: "deleteStatus", target: "hot", status: 409 }]);
    expect(await left("POST", "/v1/sensors", { json: { id: "a.b" } })).toMatchObject([{ target: null, status: 422 }]);
    expect(await left("POST", "/v1/sensors", { json: { id: "pump-1" } })).toMatchObject([{ target: null, status: 409 }]);
    expect(await left("DELETE", "/v1/sensors/%00%F0%9F%94%94")).toMatchObject([{ target: "\ufffd🔔", status: 422 }]);
  });

  test("and what is no edit, or is not let in, is not", async () => {
    const { token } = await api.mint(["sensors:read"]);
    for (const [method, path, sent] of [
      ["GET", "/v1/sensors", {}],
      ["HEAD", "/v1/tokens", {}],
      ["POST", "/v1/sensors/pump-1/reports", { json: { status: "ok" } }],
      ["POST", "/v1/sensors", { json: { id: "x" }, token }],
      ["POST", "/v1/sensors", { json: { id: "x" }, token: null }],
      ["POST", "/v1/sensors", { body: "{" }],
      ["DELETE", "/v1/sensors", {}],
      ["POST", "/v1/nothing", { json: {} }],
    ] as const) {
      expect([method, path, await left(method, path, sent)]).toEqual([method, path, []]);
    }
  });

  test("once, when it is sent again under its Idempotency-Key", async () => {
    const sent = { json: { id: "once-1" }, headers: { "idempotency-key": "k-1" } };
    expect(await left("POST", "/v1/sensors", sent)).toHaveLength(1);
    expect(await left("POST", "/v1/sensors", sent)).toEqual([]);
  });

  test("with no secret of it", async () => {
    await using other = await openTestApi();
    const made = await makeThings(other);
    const calls = goodCalls(made);
    const [create, patch] = [calls["createWebhook"], calls["patchWebhook"]];
    const webhook = (await other.request("POST", "/v1/webhooks", create)).json<{ id: string; secret: string }>();
    await other.request("PATCH", `/v1/webhooks/${webhook.id}`, patch);
    const { token } = await other.mint(["admin"]);
    const { text } = await other.request("GET", "/v1/audit?limit=1000");
    for (const secret of ["made-up-key", "made-up-password", "PRIVATE KEY", webhook.secret, token]) expect(text).not.toContain(secret);
    expect((await entries(`&target=${webhook.id}&operation=patchWebhook`, other))[0]?.detail).toEqual({
      fields: Object.keys(patch?.json as object),
    });
  });

  test("with the fields alone of a body that is long", async () => {
    const metadata = { long: "x".repeat(5000) };
    expect(await left("PATCH", "/v1/sensors/pump-1", { json: { metadata } })).toMatchObject([
      { status: 200, detail: { fields: ["metadata"] } },
    ]);
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`field-${n}`, n]));
    const [entry] = await left("PATCH", "/v1/sensors/pump-1", { json: many });
    expect(entry).toMatchObject({ status: 422 });
    expect(entry?.detail["fields"]).toHaveLength(64);
  });
});

test("every operation that edits is in the audit log under its own name", async () => {
  await using other = await openTestApi();
  const made = await makeThings(other);
  const document = (await other.request("GET", "/swagger/json")).json<{
    paths: Record<string, Record<string, { operationId: string; security: { bearer?: string[] }[] }>>;
  }>();
  const expected: string[] = [];
  const operations = new Map<string, { method: string; path: string }>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, { operationId, security }] of Object.entries(methods)) {
      operations.set(operationId, { method: method.toUpperCase(), path });
      const scope = security[0]?.bearer?.[0];
      if (method !== "get" && scope !== undefined && scope !== "reports:write") expected.push(operationId);
    }
  }
  const before = (await entries("", other)).length;
  for (const [operationId, { id = "", keyId = "", query, ...sent }] of Object.entries(goodCalls(made))) {
    const { method, path } = operations.get(operationId) as { method: string; path: string };
    const filled = path.replace("{id}", id).replace("{keyId}", keyId);
    await other.request(method, `${filled}${query === undefined ? "" : `?${query}`}`, sent);
  }
  const after = await entries("", other);
  const recorded = after.slice(0, after.length - before);
  expect(recorded.map(({ operation }) => operation).toSorted()).toEqual(expected.toSorted());
  // Many at once have no one name.
  const targetless = new Set(["putSensors"]);
  for (const { operation, status, target } of recorded)
    expect([operation, status, target !== null]).toEqual([operation, status ?? 0, !targetless.has(operation)]);
});

describe("an edit that cannot be written down", () => {
  test("is refused, and not made", async () => {
    const away = new Fault("unavailable", "the disk or the database is full");
    await using other = await openTestApi({ store: (real) => ({ ...real, recordEdit: () => Promise.reject(away) }) });
    const answer = await other.request("POST", "/v1/sensors", { json: { id: "pump-1" } });
    const { detail } = expectProblem(answer, 503);
    expect(detail).toContain("audit log");
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    expectProblem(await other.request("GET", "/v1/sensors/pump-1"), 404);
  });

  test("the end of is answered all the same, and its entry has none", async () => {
    const away = new Fault("unavailable", "the disk or the database is full");
    await using other = await openTestApi({ store: (real) => ({ ...real, completeEdit: () => Promise.reject(away) }) });
    expect((await other.request("POST", "/v1/sensors", { json: { id: "pump-1" } })).status).toBe(201);
    expect(await entries("", other)).toMatchObject([{ operation: "createSensor", target: null, status: null }]);
  });

  test("is in the log before it is made", async () => {
    const seen: (number | null)[] = [];
    await using other = await openTestApi({
      store: (real) => ({
        ...real,
        async createSensor(draft) {
          for (const { status } of (await real.listAudit({}, { limit: 10, cursor: null })).items) seen.push(status);
          return real.createSensor(draft);
        },
      }),
    });
    await other.request("POST", "/v1/sensors", { json: { id: "pump-1" } });
    expect(seen).toEqual([null]);
    expect(await entries("", other)).toMatchObject([{ status: 201 }]);
  });
});

describe("the audit log", () => {
  test("is read page by page, newest first, by whoever has the scope admin", async () => {
    const all = await entries();
    expect(all.map(({ at }) => at)).toEqual(
      all
        .map(({ at }) => at)
        .toSorted()
        .toReversed(),
    );
    const paged: Entry[] = [];
    for (let cursor = ""; ;) {
      const { items, nextCursor } = (await api.request("GET", `/v1/audit?limit=3${cursor}`)).json<{
        items: Entry[];
        nextCursor: string | null;
      }>();
      paged.push(...items);
      if (nextCursor === null) break;
      cursor = `&cursor=${nextCursor}`;
    }
    expect(paged).toEqual(all);
    const { token } = await api.mint(["sensors:read", "sensors:write", "webhooks:write", "deliveries:write"]);
    expectProblem(await api.request("GET", "/v1/audit", { token }), 403);
  });

  test("is filtered by actor, operation, target and time", async () => {
    const all = await entries();
    const by = async (query: string, holds: (entry: Entry) => boolean) => {
      const found = await entries(query);
      expect(found).toEqual(all.filter(holds));
      expect(found.length).toBeGreaterThan(0);
    };
    await by("&operation=createSensor", ({ operation }) => operation === "createSensor");
    await by("&target=pump-1", ({ target }) => target === "pump-1");
    await by("&actor=admin&operation=createToken", ({ actor, operation }) => actor.id === "admin" && operation === "createToken");
    const middle = all[Math.floor(all.length / 2)]?.at as string;
    await by(`&since=${middle}`, ({ at }) => at >= middle);
    await by(`&until=${middle}`, ({ at }) => at < middle);
    expect(await entries("&actor=nobody")).toEqual([]);
    const cursor = `cursor=${Buffer.from('["tokens","a"]').toString("base64url")}`;
    expect(await pointersOf(await api.request("GET", `/v1/audit?${cursor}`))).toEqual(["/cursor"]);
  });
});
