import { expect, test } from "bun:test";
import { createJwtVerifier, type JwtVerifier } from "../../src/http/who/jwt";
import { until } from "../until";
import { openTestApi } from "./api";
import { type Issuer, type Key, startIssuer } from "./issuer";
import { expectProblem } from "./problem";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

interface Means {
  readonly issuer: Issuer;
  readonly key: Key;
  readonly verifier: JwtVerifier;
  readonly failures: unknown[];
  /** The monotonic clock's milliseconds. */
  now: number;
  /** `200`, or how it was refused. */
  readonly verify: (key: Key) => Promise<number | string>;
}

async function withIssuer(body: (means: Means) => Promise<void>): Promise<void> {
  await using issuer = startIssuer();
  const key = await issuer.newKey("ES256");
  issuer.publish([key]);
  const failures: unknown[] = [];
  const verifier = createJwtVerifier(issuer.config, { failed: (error) => failures.push(error), clock: () => means.now });
  const means: Means = {
    issuer,
    key,
    verifier,
    failures,
    now: 1000,
    async verify(signer) {
      try {
        await verifier.verify(await issuer.sign(signer), false);
        return 200;
      } catch (error) {
        return (error as { status?: number }).status ?? (error as { kind: string }).kind;
      }
    },
  };
  await body(means);
}

test("keys are fetched once, by the first of many who ask", async () => {
  await withIssuer(async ({ issuer, key, verify }) => {
    expect(await Promise.all(Array.from({ length: 20 }, () => verify(key)))).toEqual(Array.from({ length: 20 }, () => 200));
    expect(issuer.fetches).toBe(1);
  });
});

test("a new key is known the first time that it is used, and an old one no more once it is withdrawn", async () => {
  await withIssuer(async (means) => {
    const { issuer, key, verify } = means;
    expect(await verify(key)).toBe(200);
    const next = await issuer.newKey("RS256");
    issuer.publish([next]);
    expect(await verify(next)).toBe(200);
    expect(issuer.fetches).toBe(2);
    means.now += 10 * SECOND_MS;
    expect(await verify(key)).toBe(401);
  });
});

test("tokens of keys that nobody knows make us ask for keys once in ten seconds", async () => {
  await withIssuer(async (means) => {
    const { issuer, key, verify } = means;
    const foreign = await issuer.newKey("ES256");
    for (let times = 0; times < 20; times += 1) expect(await verify(foreign)).toBe(401);
    expect(issuer.fetches).toBe(2);
    means.now += 10 * SECOND_MS;
    for (let times = 0; times < 20; times += 1) expect(await verify(foreign)).toBe(401);
    expect(issuer.fetches).toBe(3);
    issuer.publish([key, foreign]);
    expect(await verify(foreign)).toBe(401);
    means.now += 10 * SECOND_MS;
    expect(await verify(foreign)).toBe(200);
  });
});

test("keys are asked for again after five minutes, while nobody waits for the answer", async () => {
  await withIssuer(async (means) => {
    const { issuer, key, verify } = means;
    expect(await verify(key)).toBe(200);
    const answered = Promise.withResolvers<void>();
    issuer.answer = () => answered.promise.then(() => Response.json({ keys: [] }));
    means.now += 5 * MINUTE_MS;
    expect(await verify(key)).toBe(200);
    await until(() => issuer.fetches === 2);
    answered.resolve();
    await until(async () => (await verify(key)) === 401);
  });
});

test("keys that nobody has asked for in ten minutes are waited for: one that was withdrawn is out", async () => {
  await withIssuer(async (means) => {
    const { issuer, key, verify } = means;
    expect(await verify(key)).toBe(200);
    issuer.publish([await issuer.newKey("ES256")]);
    means.now += 10 * MINUTE_MS;
    expect(await verify(key)).toBe(401);
  });
});

test("while its issuer does not answer, the keys that were published last count for an hour", async () => {
  await withIssuer(async (means) => {
    const { issuer, key, verify, failures } = means;
    expect(await verify(key)).toBe(200);
    issuer.answer = () => new Response("down", { status: 500 });
    means.now += 59 * MINUTE_MS;
    expect(await verify(key)).toBe(200);
    await until(() => failures.length === 1);
    expect(await verify(await issuer.newKey("ES256"))).toBe("unavailable");
    means.now += MINUTE_MS;
    expect(await verify(key)).toBe("unavailable");
    issuer.answer = null;
    means.now += 2 * SECOND_MS;
    expect(await verify(key)).toBe(200);
  });
});

test("without a key that counts it is not known what a token is worth, and who answers wrongly is not asked all the time", async () => {
  const answers: [string, () => Response | Promise<Response>][] = [
    ["an error", () => new Response("no", { status: 503 })],
    ["another place", () => Response.redirect("http://127.0.0.1:1/")],
    ["no JSON", () => new Response("<html>")],
    ["no keys", () => Response.json({ kyes: [] })],
    ["too many keys", () => Response.json({ keys: Array.from({ length: 101 }, (_, n) => ({ kty: "EC", kid: `${n}` })) })],
    ["too long", () => new Response(`{"keys":[],"x":"${"x".repeat(300_000)}"}`)],
    ["without end", () => new Response(endless())],
    ["no UTF-8", () => new Response(new Uint8Array([0x7b, 0xff]))],
  ];
  for (const [name, answer] of answers) {
    await withIssuer(async (means) => {
      const { issuer, key, verify, failures } = means;
      issuer.answer = answer;
      for (let times = 0; times < 5; times += 1) expect([name, await verify(key)]).toEqual([name, "unavailable"]);
      expect([name, issuer.fetches, failures.length]).toEqual([name, 1, 1]);
      issuer.answer = null;
      means.now += 2 * SECOND_MS;
      expect([name, await verify(key)]).toEqual([name, 200]);
    });
  }
});

test("an issuer that takes the question and does not answer is waited for three seconds", async () => {
  await withIssuer(async ({ issuer, key, verify, failures }) => {
    issuer.answer = () => new Promise<Response>(() => {});
    expect(await verify(key)).toBe("unavailable");
    expect(String(failures[0])).toContain("TimeoutError");
  });
});

test("an issuer that is not there is a 503 on the API, not a 401", async () => {
  await using issuer = startIssuer();
  const key = await issuer.newKey("ES256");
  const token = await issuer.sign(key);
  await using api = await openTestApi({ jwt: { ...issuer.config, jwksUrl: "http://127.0.0.1:1/jwks.json" } });
  const answer = await api.request("GET", "/v1/sensors", { token });
  expectProblem(answer, 503);
  expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
  expect((await api.request("GET", "/v1/sensors")).status).toBe(200);
});

function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(64 * 1024).fill(0x20));
    },
  });
}

test("whoever was valid is checked, however many wait for keys that nobody knows", async () => {
  await withIssuer(async ({ issuer, key, verifier, verify }) => {
    expect(await verify(key)).toBe(200);
    const answer = Promise.withResolvers<Response>();
    issuer.answer = () => answer.promise;
    const stranger = await issuer.newKey("ES256");
    const asked = await Promise.all(Array.from({ length: 256 }, (_, index) => issuer.sign(stranger, { sub: `stranger-${index}` })));
    const waiting = asked.map((token) => verifier.verify(token, false).catch((error: unknown) => error));
    await until(() => issuer.fetches === 2);
    expect(await verify(key)).toBe("unavailable");
    expect((await verifier.verify(await issuer.sign(key), true)).caller.name).toBe("ann");
    issuer.answer = null;
    answer.resolve(Response.json({ keys: [key.publicJwk] }));
    await Promise.all(waiting);
    expect(await verify(key)).toBe(200);
  });
});

test("the log of a failure holds no password and no query of their address", async () => {
  await using issuer = startIssuer();
  const { host, protocol } = new URL(issuer.config.jwksUrl);
  const failures: unknown[] = [];
  const jwksUrl = `${protocol}//ann:pa55word@${host}/jwks.json?key=5ecret`;
  const key = await issuer.newKey("ES256");
  for (const answer of [
    new Response("", { status: 500 }),
    new Response("x".repeat(300 * 1024)),
    Response.json({ keys: Array(101).fill(key.publicJwk) }),
  ]) {
    issuer.answer = () => answer;
    const once = createJwtVerifier({ ...issuer.config, jwksUrl }, { failed: (error) => failures.push(error) });
    await once.verify(await issuer.sign(key), false).catch(() => {});
  }
  expect(failures.map(String)).toEqual([
    expect.stringContaining(`${host}/jwks.json answered 500`),
    expect.stringContaining(`${host}/jwks.json answers with more`),
    expect.stringContaining(`${host}/jwks.json publishes more`),
  ]);
  expect(failures.map((error) => Bun.inspect(error)).join()).not.toMatch(/pa55word|5ecret/);
});
