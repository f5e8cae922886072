import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Database from "better-sqlite3";
import { type Answer, openTestApi, type TestApi } from "./api";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

let count = 0;

function create(key: string | null, json: object, path = "/v1/sensors", token?: string): Promise<Answer> {
  return api.request("POST", path, {
    json,
    headers: key === null ? {} : { "idempotency-key": key },
    ...(token === undefined ? {} : { token }),
  });
}

/** Looks into the database, or edits it, over another connection. */
function inDatabase<Result>(work: (database: Database.Database) => Result): Result {
  const database = new Database(api.dbFile);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

function fresh(): { key: string; id: string } {
  count += 1;
  return { key: `key-${count}`, id: `sensor-${count}` };
}

describe("a request that creates, with an Idempotency-Key", () => {
  test("is done once: its repeats get the same answer", async () => {
    const { key, id } = fresh();
    const [first, second] = [await create(key, { id }), await create(key, { id })];
    expect(first.status).toBe(201);
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    expect({ status: second.status, text: second.text }).toEqual({ status: 201, text: first.text });
    for (const name of ["location", "etag", "content-type"]) expect(second.headers.get(name)).toBe(first.headers.get(name));
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(second.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
  });

  test("makes one thing, however many come at once", async () => {
    const { key } = fresh();
    const answers = await Promise.all(Array.from({ length: 20 }, () => create(key, { name: key, scopes: ["sensors:read"] }, "/v1/tokens")));
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThan(0);
    expect(new Set(answers.map(({ status }) => status)).difference(new Set([201, 409])).size).toBe(0);
    const made = answers.filter(({ status }) => status === 201).map(({ text }) => text);
    expect(new Set(made).size).toBe(1);
    const { items } = (await api.request("GET", "/v1/tokens?limit=1000")).json<{ items: { name: string }[] }>();
    expect(items.filter(({ name }) => name === key)).toHaveLength(1);
  });

  test("shows a secret again to who was shown it, and keeps it sealed", async () => {
    const { key } = fresh();
    const json = { url: "https://example.com/" };
    const first = (await create(key, json, "/v1/webhooks")).json<{ secret: string; id: string }>();
    expect((await create(key, json, "/v1/webhooks")).json<{ secret: string }>().secret).toBe(first.secret);
    const rows = inDatabase((database) => database.prepare("select answer from idempotency where key = ?").all(key));
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(first.secret);
    expect(JSON.stringify(rows)).not.toContain(first.id);
  });

  test("is refused under a key that stands for another one", async () => {
    const { key, id } = fresh();
    await create(key, { id });
    for (const [json, path] of [
      [{ id: `${id}-b` }, "/v1/sensors"],
      [{ name: "n", scopes: ["admin"] }, "/v1/tokens"],
    ] as const) {
      const answer = await create(key, json, path);
      expect(answer.status).toBe(422);
      expect(answer.json<{ errors: { pointer: string }[] }>().errors[0]?.pointer).toBe("/idempotency-key");
    }
    expect((await api.request("GET", `/v1/sensors/${id}-b`)).status).toBe(404);
  });

  test("leaves its key free when it made nothing", async () => {
    const { key, id } = fresh();
    expect((await create(key, { id, heartbeat: { intervalSeconds: 1 } })).status).toBe(422);
    expect((await create(key, { id })).status).toBe(201);
  });

  test("has a key of its own for each token", async () => {
    const { key, id } = fresh();
    const { token } = await api.mint(["sensors:write"]);
    expect((await create(key, { id })).status).toBe(201);
    const other = await create(key, { id }, "/v1/sensors", token);
    expect({ status: other.status, replayed: other.headers.get("idempotency-replayed") }).toEqual({ status: 409, replayed: null });
  });

  test("is refused with a key that is none", async () => {
    for (const key of ["", "a b", "x".repeat(256)]) {
      const answer = await create(key, fresh());
      expect({ key, status: answer.status }).toEqual({ key, status: 422 });
    }
  });

  test("whose end is not known says so, and does it no second time", async () => {
    const { key, id } = fresh();
    await create(key, { id });
    const cutOff = "update idempotency set status = null, answer = null, ended_at = null, begun_at = begun_at - 100000 where key = ?";
    expect(inDatabase((database) => database.prepare(cutOff).run(key)).changes).toBe(1);
    const answer = await create(key, { id });
    expect(answer.status).toBe(409);
    expect(answer.json<{ detail: string }>().detail).toContain("how it ended is not known");
  });

  test("is begun anew after a day", async () => {
    const { key } = fresh();
    const json = { name: key, scopes: ["admin"] };
    const first = await create(key, json, "/v1/tokens");
    const aDayBack = "update idempotency set begun_at = begun_at - 24 * 3600 * 1000 - 1 where key = ?";
    expect(inDatabase((database) => database.prepare(aDayBack).run(key)).changes).toBe(1);
    const second = await create(key, json, "/v1/tokens");
    expect(second.status).toBe(201);
    expect(second.json<{ id: string }>().id).not.toBe(first.json<{ id: string }>().id);
  });
});
