import { afterAll, beforeAll, describe, expect, setSystemTime, test } from "bun:test";
import { openTestApi, type TestApi } from "./api";
import { expectProblem, pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

interface Shown {
  readonly id: string;
  readonly token: string;
  readonly [field: string]: unknown;
}

const create = (json: object) => api.request("POST", "/v1/tokens", { json: { name: "t", scopes: ["sensors:read"], ...json } });
const made = async (json: object = {}) => (await create(json)).json<Shown>();

describe("a token that is limited to some sensors", () => {
  test("is shown with what it was limited to, in its answer, by itself and in the list", async () => {
    for (const [reach, shown] of [
      [{}, { sensorId: null, labels: null }],
      [
        { sensorId: null, labels: null },
        { sensorId: null, labels: null },
      ],
      [{ sensorId: "boiler-7" }, { sensorId: "boiler-7", labels: null }],
      [{ labels: { site: "north", floor: "1" } }, { sensorId: null, labels: { site: "north", floor: "1" } }],
    ] as const) {
      const { token, ...rest } = await made(reach);
      expect(rest).toMatchObject(shown);
      expect((await api.request("GET", `/v1/tokens/${rest.id}`)).json()).toEqual(rest as never);
      expect((await api.request("GET", "/v1/tokens?limit=1000")).json<{ items: unknown[] }>().items).toContainEqual(rest);
      expect(await (await api.request("GET", "/v1/sensors", { token })).status).toBe(200);
    }
  });

  test("can have no scope that speaks of all sensors", async () => {
    for (const reach of [{ sensorId: "boiler-7" }, { labels: { site: "north" } }]) {
      for (const scope of ["webhooks:read", "webhooks:write", "deliveries:write", "admin"]) {
        const answer = await create({ ...reach, scopes: ["sensors:read", scope, "reports:write"] });
        const { errors } = expectProblem(answer, 422);
        expect(errors).toMatchObject([{ pointer: "/scopes/1" }]);
        expect(errors[0]?.message).toContain("sensors:read, sensors:write, reports:write");
      }
      expect((await create({ ...reach, scopes: ["sensors:read", "sensors:write", "reports:write"] })).status).toBe(201);
    }
  });

  test("is limited by one of both, and to something", async () => {
    const pointers = async (json: object) => pointersOf(await create(json));
    expect(await pointers({ sensorId: "a", labels: { b: "c" } })).toEqual(["/labels"]);
    expect(await pointers({ labels: {} })).toEqual(["/labels"]);
    expect(await pointers({ sensorId: "a.b" })).toEqual(["/sensorId"]);
    expect(await pointers({ sensorId: 7 })).toEqual(["/sensorId"]);
    expect(await pointers({ labels: { "a b": "c" } })).toHaveLength(1);
  });
});

describe("a token", () => {
  test("is found where its answer says", async () => {
    const answer = await create({});
    const { token, ...shown } = answer.json<Shown>();
    expect(answer.headers.get("location")).toBe(`/v1/tokens/${shown.id}`);
    const found = await api.request("GET", answer.headers.get("location") ?? "");
    expect(found.json()).toEqual(shown as never);
    expect(found.text).not.toContain(token);
    expectProblem(await api.request("GET", "/v1/tokens/tok_nobody"), 404);
  });

  test("is renamed, and its expiry moved or taken away, at once", async () => {
    const { token, ...shown } = await made({ expiresAt: "2099-01-01T00:00:00Z", sensorId: "boiler-7" });
    const patch = (json: object) => api.request("PATCH", `/v1/tokens/${shown.id}`, { json });
    const lastUsedAt = null;
    expect((await patch({ name: "renamed" })).json()).toEqual({ ...shown, lastUsedAt, name: "renamed" } as never);
    expect((await patch({ expiresAt: null })).json()).toMatchObject({ name: "renamed", expiresAt: null, sensorId: "boiler-7" });
    expect((await patch({ expiresAt: "2098-01-01T00:00:00+01:00" })).json()).toMatchObject({ expiresAt: "2097-12-31T23:00:00.000Z" });
    expect((await patch({})).status).toBe(200);
    expect((await api.request("GET", "/v1/sensors", { token })).status).toBe(200);
    expectProblem(await api.request("PATCH", "/v1/tokens/tok_nobody", { json: {} }), 404);
    expectProblem(await api.request("PATCH", "/v1/tokens/tok_nobody", { json: { name: "x" } }), 404);
  });

  test("that is over is valid again when its expiry is moved", async () => {
    const end = Date.now() + 60_000;
    const { id, token } = await made({ expiresAt: new Date(end).toISOString() });
    setSystemTime(end);
    try {
      expectProblem(await api.request("GET", "/v1/sensors", { token }), 401);
      expect((await api.request("PATCH", `/v1/tokens/${id}`, { json: { expiresAt: null } })).status).toBe(200);
      expect((await api.request("GET", "/v1/sensors", { token })).status).toBe(200);
    } finally {
      setSystemTime();
    }
  });

  test("keeps its scopes and its sensors: an edit that names them is a 422", async () => {
    const { id, token } = await made();
    for (const json of [{ scopes: ["admin"] }, { sensorId: null }, { labels: { a: "b" } }, { token: "x" }, { name: "" }, { name: null }])
      expect(await pointersOf(await api.request("PATCH", `/v1/tokens/${id}`, { json }))).toEqual([`/${Object.keys(json)[0]}`]);
    const past = { expiresAt: "2020-01-01T00:00:00Z" };
    expect(await pointersOf(await api.request("PATCH", `/v1/tokens/${id}`, { json: past }))).toEqual(["/expiresAt"]);
    expectProblem(await api.request("GET", "/v1/tokens", { token }), 403);
  });
});
