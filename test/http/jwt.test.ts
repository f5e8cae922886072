import { afterAll, beforeAll, describe, expect, setSystemTime, test } from "bun:test";
import { createHmac } from "node:crypto";
import { exportSPKI, importJWK, type JWTPayload, SignJWT } from "jose";
import { ADMIN_TOKEN, type Answer, openTestApi, type TestApi } from "./api";
import { AUDIENCE, type Issuer, ISSUER, type Key, startIssuer } from "./issuer";
import { expectProblem } from "./problem";

let issuer: Issuer;
let api: TestApi;
let key: Key;
beforeAll(async () => {
  issuer = startIssuer();
  key = await issuer.newKey("ES256");
  issuer.publish([key]);
  api = await openTestApi({ jwt: issuer.config });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

const ask = (token: string, path = "/v1/sensors", method = "GET"): Promise<Answer> => api.request(method, path, { token });
const seconds = () => Math.floor(Date.now() / 1000);

function base64url(value: unknown): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
}

describe("a JSON Web Token of the issuer", () => {
  test("lets its holder in, whatever asymmetric algorithm signed it", async () => {
    await using other = startIssuer();
    const keys = await Promise.all(["RS256", "PS256", "ES256", "ES384", "EdDSA"].map((alg) => other.newKey(alg)));
    other.publish(keys);
    await using server = await openTestApi({ jwt: other.config });
    for (const each of keys) {
      const answer = await server.request("GET", "/v1/sensors", { token: await other.sign(each) });
      expect([each.alg, answer.status]).toEqual([each.alg, 200]);
    }
    expect(other.fetches).toBe(1);
  });

  test("opens what its scopes open, and nothing else", async () => {
    expect((await ask(await issuer.sign(key))).status).toBe(200);
    expect(expectProblem(await ask(await issuer.sign(key), "/v1/webhooks"), 403).detail).toContain("webhooks:read");
    expect((await ask(await issuer.sign(key, { scope: "openid webhooks:read profile" }), "/v1/webhooks")).status).toBe(200);
    expect((await ask(await issuer.sign(key, { scope: ["admin"] }), "/v1/tokens")).status).toBe(200);
    for (const scope of [undefined, "", "openid", 7, null, { admin: true }, "admins", "Admin"])
      expectProblem(await ask(await issuer.sign(key, { scope })), 403);
  });

  test("has its scopes in the claim that is named", async () => {
    await using other = startIssuer("https://tocsin.example/scopes");
    const own = await other.newKey("RS256");
    other.publish([own]);
    await using server = await openTestApi({ jwt: other.config });
    const status = async (claims: Record<string, unknown>) =>
      (await server.request("GET", "/v1/sensors", { token: await other.sign(own, claims) })).status;
    expect(await status({})).toBe(403);
    expect(await status({ "https://tocsin.example/scopes": ["sensors:read"] })).toBe(200);
  });

  test("is known in the audit log by its subject and issuer", async () => {
    const token = await issuer.sign(key, { sub: "bob", scope: "sensors:write admin" });
    await api.request("POST", "/v1/sensors", { token, json: { id: "by-bob" } });
    const { items } = (await ask(token, "/v1/audit?target=by-bob")).json<{ items: unknown[] }>();
    expect(items).toMatchObject([{ actor: { kind: "jwt", id: `bob@${ISSUER}`, name: "bob" }, operation: "createSensor", status: 201 }]);
  });

  test("goes beside tokens of ours and ADMIN_TOKEN", async () => {
    const { token } = await api.mint(["sensors:read"]);
    expect((await ask(token)).status).toBe(200);
    expect((await ask(ADMIN_TOKEN)).status).toBe(200);
  });
});

describe("401 is the answer to a token", () => {
  test("that is over, or not yet valid, beyond what clocks may be apart", async () => {
    expectProblem(await ask(await issuer.sign(key, { exp: seconds() - 60 })), 401);
    expect((await ask(await issuer.sign(key, { exp: seconds() - 1 }))).status).toBe(200);
    expectProblem(await ask(await issuer.sign(key, { nbf: seconds() + 60 })), 401);
    expect((await ask(await issuer.sign(key, { nbf: seconds() + 5 }))).status).toBe(200);
    expect(expectProblem(await ask(await issuer.sign(key, { exp: seconds() - 60 })), 401).detail).toBe("The token has expired.");
  });

  test("that was let in, as soon as it is over", async () => {
    const token = await issuer.sign(key, { exp: seconds() + 60 });
    expect((await ask(token)).status).toBe(200);
    setSystemTime(Date.now() + 71_000);
    try {
      expectProblem(await ask(token), 401);
    } finally {
      setSystemTime();
    }
  });

  test("that is for others, from others, or lacks what is demanded", async () => {
    for (const claims of [
      { aud: "elsewhere" },
      { aud: [] },
      { aud: undefined },
      { iss: "https://id.example.org" },
      { iss: undefined },
      { exp: undefined },
      { sub: undefined },
      { sub: "" },
      { sub: "a\u0000b" },
      { sub: "x".repeat(256) },
      { sub: 7 },
      { sub: ["ann"] },
      { sub: { toString: "ann" } },
    ] as JWTPayload[]) {
      expect([claims, (await ask(await issuer.sign(key, claims))).status]).toEqual([claims, 401]);
    }
    expect((await ask(await issuer.sign(key, { aud: ["elsewhere", AUDIENCE] }))).status).toBe(200);
    expect(expectProblem(await ask(await issuer.sign(key, { aud: "elsewhere" })), 401).detail).toContain("`aud`");
  });

  test("that nobody signed, or whoever knows the public key", async () => {
    const payload = base64url({ iss: ISSUER, aud: AUDIENCE, sub: "eve", exp: seconds() + 3600, scope: "admin" });
    for (const alg of ["none", "None", "nOnE"]) {
      for (const signature of ["", base64url("signed")]) expectProblem(await ask(`${base64url({ alg })}.${payload}.${signature}`), 401);
    }
    await using other = startIssuer();
    const rsa = await other.newKey("RS256");
    other.publish([rsa]);
    await using server = await openTestApi({ jwt: other.config });
    const publicKey = (await importJWK(rsa.publicJwk, "RS256", { extractable: true })) as CryptoKey;
    for (const secret of [await exportSPKI(publicKey), JSON.stringify(rsa.publicJwk), rsa.publicJwk.n as string]) {
      const head = base64url({ alg: "HS256", kid: rsa.kid });
      const mac = createHmac("sha256", secret).update(`${head}.${payload}`).digest("base64url");
      expectProblem(await server.request("GET", "/v1/sensors", { token: `${head}.${payload}.${mac}` }), 401);
    }
    expect((await server.request("GET", "/v1/sensors", { token: await other.sign(rsa) })).status).toBe(200);
  });

  test("that another key signed under the name of one that is published, or that brings its own", async () => {
    const foreign = await issuer.newKey("ES256");
    expectProblem(await ask(await issuer.sign({ ...foreign, kid: key.kid })), 401);
    const own = { jwk: foreign.publicJwk, jku: "https://evil.example/jwks.json", x5u: "https://evil.example/cert" };
    expectProblem(await ask(await issuer.sign({ ...foreign, kid: key.kid }, {}, own)), 401);
  });

  test("that was changed, is cut, too long or no token at all", async () => {
    const token = await issuer.sign(key);
    const [head = "", payload = "", signature = ""] = token.split(".");
    const admin = base64url({ ...JSON.parse(Buffer.from(payload, "base64url").toString()), scope: "admin" });
    for (const wrong of [
      `${head}.${admin}.${signature}`,
      `${head}.${payload}.`,
      `${head}.${payload}`,
      `${head}.${payload}.${signature.slice(2)}`,
      `${head}.${payload}.${signature}.`,
      `.${payload}.${signature}`,
      "..",
      "a.b.c",
      await issuer.sign(key, { long: "x".repeat(8000) }),
    ]) {
      expectProblem(await ask(wrong), 401);
    }
    expect(api.faults).toEqual([]);
  });

  test("where no issuer is trusted", async () => {
    await using plain = await openTestApi();
    expectProblem(await plain.request("GET", "/v1/sensors", { token: await issuer.sign(key) }), 401);
  });
});

test("a key of a kind that no token may be signed with is none", async () => {
  await using other = startIssuer();
  const good = await other.newKey("ES256");
  const secret = Buffer.alloc(32, 7);
  const jwks = { keys: [{ kty: "oct", k: secret.toString("base64url"), kid: "shared", alg: "HS256" }, good.publicJwk] };
  other.answer = () => Response.json(jwks);
  await using server = await openTestApi({ jwt: other.config });
  const forged = await new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: "eve", exp: seconds() + 60, scope: "admin" })
    .setProtectedHeader({ alg: "HS256", kid: "shared" })
    .sign(secret);
  expectProblem(await server.request("GET", "/v1/sensors", { token: forged }), 401);
  expect((await server.request("GET", "/v1/sensors", { token: await other.sign(good) })).status).toBe(200);
});
