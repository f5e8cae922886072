import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { OVERLAP_DEFAULT_MS } from "../../src/domain/credentials";
import { openTestApi, type TestApi } from "./api";
import { expectProblem, pointersOf } from "./problem";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

interface Key {
  readonly id: string;
  readonly kind: string;
  readonly expiresAt: string | null;
  readonly publicKey?: string;
}
interface Keyed {
  readonly id: string;
  readonly secret?: string;
  readonly publicKey?: string;
  readonly keys: readonly Key[];
}

async function registered(json: object = {}): Promise<Keyed> {
  const answer = await api.request("POST", "/v1/webhooks", { json: { url: "https://example.com/hook", ...json } });
  expect(answer.status).toBe(201);
  return answer.json<Keyed>();
}
const rotated = (id: string, json: object = {}, headers = {}) => api.request("POST", `/v1/webhooks/${id}/rotate-secret`, { json, headers });
const shown = async (id: string) => (await api.request("GET", `/v1/webhooks/${id}`)).json<Keyed>();
const kindsOf = ({ keys }: Keyed) => keys.map(({ kind }) => kind);

describe("the keys that sign a webhook's requests", () => {
  test("are of the kinds that its creation asks for", async () => {
    expect(kindsOf(await registered())).toEqual(["v1"]);
    const both = await registered({ signatures: ["v1", "v1a"] });
    expect(kindsOf(both)).toEqual(["v1", "v1a"]);
    expect(both.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(both.publicKey).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
    expect(both.keys[1]?.publicKey).toBe(both.publicKey as string);
    const open = await registered({ signatures: ["v1a"] });
    expect(open.secret).toBeUndefined();
    for (const signatures of [[], ["v1", "v1"], ["v2"]]) {
      const answer = await api.request("POST", "/v1/webhooks", { json: { url: "https://example.com/hook", signatures } });
      expect(pointersOf(answer)[0]).toStartWith("/signatures");
    }
  });

  test("are joined by a new one, and the old end after the overlap", async () => {
    const { id, secret, keys } = await registered({ signatures: ["v1", "v1a"] });
    const before = Date.now();
    const answer = await rotated(id);
    const after = Date.now();
    expect({ status: answer.status, etag: answer.headers.get("etag") }).toEqual({ status: 200, etag: '"2"' });
    const made = answer.json<Keyed>();
    expect(made.secret).toMatch(/^whsec_/);
    expect(made.secret).not.toBe(secret as string);
    expect(kindsOf(made)).toEqual(["v1", "v1", "v1a"]);
    const [newest, old, other] = made.keys;
    expect(newest).toMatchObject({ expiresAt: null });
    expect(old?.id).toBe(keys[0]?.id as string);
    const ends = Date.parse(old?.expiresAt ?? "");
    expect(ends).toBeGreaterThanOrEqual(before + OVERLAP_DEFAULT_MS);
    expect(ends).toBeLessThanOrEqual(after + OVERLAP_DEFAULT_MS);
    expect(other).toEqual(keys[1] as Key);
    expect(await shown(id)).toMatchObject({ keys: made.keys, version: 2 });
    expect(JSON.stringify(await shown(id))).not.toContain("whsec_");
  });

  test("are joined by a new one when nothing is said of it at all", async () => {
    const { id } = await registered();
    const path = `/v1/webhooks/${id}/rotate-secret`;
    for (const sent of [{ type: null }, { type: "application/json", body: "" }]) {
      const answer = await api.request("POST", path, sent);
      expect({ status: answer.status, secret: answer.json<Keyed>().secret }).toEqual({
        status: 200,
        secret: expect.stringMatching(/^whsec_/) as string,
      });
    }
    expect((await shown(id)).keys.length).toBe(3);
    // A text that was sent is no such silence.
    expectProblem(await api.request("POST", path, { type: "text/plain", body: "{}" }), 415);
  });

  test("end at once without an overlap", async () => {
    const { id } = await registered();
    expect((await rotated(id, { overlapSeconds: 0 })).json<Keyed>().keys.length).toBe(1);
  });

  test("may be brought along, and are refused without a word of them when they cannot be used", async () => {
    const { id } = await registered();
    const secret = `whsec_${randomBytes(24).toString("base64")}`;
    expect((await rotated(id, { secret })).json<Keyed>()).toMatchObject({ secret });
    for (const wrong of [
      "hunter2-hunter2",
      `whsec_${randomBytes(23).toString("base64")}`,
      `whsec_${randomBytes(65).toString("base64")}`,
      `${secret}x`,
    ]) {
      const answer = await rotated(id, { secret: wrong });
      expect(pointersOf(answer)).toEqual(["/secret"]);
      expect(answer.text).not.toContain(wrong.slice(6));
    }
    expect(pointersOf(await rotated(id, { kind: "v2", overlapSeconds: 604_801, x: 1 }))).toEqual(["/kind", "/overlapSeconds", "/x"]);
    expect(await shown(id)).toMatchObject({ version: 2 });
  });

  test("are ten at most: 409, until a shorter overlap ends some", async () => {
    const { id } = await registered();
    for (let count = 1; count < 10; count += 1) expect((await rotated(id)).status).toBe(200);
    expect(expectProblem(await rotated(id), 409).detail).toContain("10 keys");
    expect((await rotated(id, { overlapSeconds: 0 })).status).toBe(200);
  });

  test("are replaced on the version that is named, and of a webhook that there is", async () => {
    const { id } = await registered();
    expectProblem(await rotated(id, {}, { "if-match": '"7"' }), 412);
    expect((await rotated(id, {}, { "if-match": '"1"' })).status).toBe(200);
    expectProblem(await rotated("wh_none"), 404);
  });

  test("are known to whoever sends, as every edit", async () => {
    const { id } = await registered();
    const before = api.webhooksChanged();
    await rotated(id);
    await rotated(id, { secret: "none" });
    expect(api.webhooksChanged()).toBe(before + 1);
  });

  test("that were replaced at once are all kept", async () => {
    const { id } = await registered();
    const secrets = (await Promise.all([rotated(id), rotated(id), rotated(id)])).map((answer) => answer.json<Keyed>().secret);
    expect(new Set(secrets).size).toBe(3);
    expect((await shown(id)).keys.length).toBe(4);
  });
});

describe("public keys", () => {
  const PATH = "/.well-known/webhook-keys";

  test("are for whoever asks, as a JSON Web Key Set that may be kept a while", async () => {
    const { id, publicKey } = await registered({ signatures: ["v1", "v1a"] });
    const answer = await api.request("GET", `${PATH}/${id}`, { token: null });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("public, max-age=300");
    const [key, ...more] = answer.json<{ keys: { x: string; whpk: string }[] }>().keys;
    expect(more).toEqual([]);
    expect(key).toMatchObject({ kty: "OKP", crv: "Ed25519", use: "sig", alg: "EdDSA", whpk: publicKey });
    expect(`whpk_${Buffer.from(key?.x ?? "", "base64url").toString("base64")}`).toBe(publicKey as string);
    expect((await api.request("HEAD", `${PATH}/${id}`, { token: null })).status).toBe(200);
  });

  test("are several during a rotation, the newest first", async () => {
    const { id, publicKey } = await registered({ signatures: ["v1a"] });
    const made = (await rotated(id, { kind: "v1a" })).json<Keyed>();
    expect(made.secret).toBeUndefined();
    const { keys } = (await api.request("GET", `${PATH}/${id}`, { token: null })).json<{ keys: { whpk: string }[] }>();
    expect(keys.map(({ whpk }) => whpk)).toEqual([made.publicKey as string, publicKey as string]);
  });

  test("of a webhook that has none, and of none, are the same 404, which is kept nowhere", async () => {
    const { id } = await registered();
    const [without, unknown] = await Promise.all([id, "wh_none"].map((each) => api.request("GET", `${PATH}/${each}`, { token: null })));
    if (without === undefined || unknown === undefined) throw new Error("no answer");
    expect(expectProblem(without, 404).detail).toBe(expectProblem(unknown, 404).detail);
    expect(without.headers.get("cache-control")).toBe("no-store");
    expectProblem(await api.request("GET", `${PATH}/a.b`, { token: null }), 422);
    expectProblem(await api.request("POST", `${PATH}/${id}`, { token: null }), 405);
  });
});

test("one webhook whose row was damaged is listed with the reason, beside the others", async () => {
  await using own = await openTestApi();
  const ids: string[] = [];
  for (let count = 0; count < 2; count += 1) {
    ids.push((await own.request("POST", "/v1/webhooks", { json: { url: "https://example.com/" } })).json<Keyed>().id);
  }
  const [damaged = "", sound = ""] = ids;
  const { credentials } = (await own.store.getWebhook(sound)) ?? { credentials: "" };
  const before = (await own.store.getWebhook(damaged))?.credentials ?? "";
  expect(await own.store.replaceCredentials(damaged, before, credentials)).toBe(true);
  const { items } = (await own.request("GET", "/v1/webhooks")).json<{ items: { credentialsError: string | null; keys: Key[] }[] }>();
  expect(items.map(({ keys }) => keys.length)).toEqual([0, 1]);
  expect(items[0]?.credentialsError).toContain(damaged);
  expect(items[1]?.credentialsError).toBeNull();
  expectProblem(await own.request("PATCH", `/v1/webhooks/${damaged}`, { json: { headers: { "x-a": "1" } } }), 503);
  expect((await own.request("PATCH", `/v1/webhooks/${damaged}`, { json: { state: "paused" } })).status).toBe(200);
  expect((await own.request("DELETE", `/v1/webhooks/${damaged}`)).status).toBe(204);
});
