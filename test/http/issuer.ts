/** An issuer of JSON Web Tokens, whose keys are published over HTTP on loopback. */
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import type { JwtConfig } from "../../src/edgeConfig";

export const ISSUER = "https://id.example.org/";
export const AUDIENCE = "tocsin";

export interface Key {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

export interface Issuer extends AsyncDisposable {
  readonly config: JwtConfig;
  /** How often its keys were asked for. */
  readonly fetches: number;
  /** What its keys' address answers from now on; null answers with the keys. */
  answer: (() => Response | Promise<Response>) | null;
  newKey(alg: string): Promise<Key>;
  /** From now on these are its keys, and no others. */
  publish(keys: readonly Key[]): void;
  /** For an hour, unless the claims say otherwise; a claim that is undefined is left out. */
  sign(key: Key, claims?: JWTPayload, header?: Readonly<Record<string, unknown>>): Promise<string>;
}

export function startIssuer(scopeClaim = "scope"): Issuer {
  let published: readonly Key[] = [];
  let made = 0;
  let fetches = 0;
  let answer: Issuer["answer"] = null;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(): Response | Promise<Response> {
      fetches += 1;
      return answer === null ? Response.json({ keys: published.map(({ publicJwk }) => publicJwk) }) : answer();
    },
  });
  return {
    config: { jwksUrl: `http://127.0.0.1:${server.port}/jwks.json`, issuer: ISSUER, audience: AUDIENCE, scopeClaim },
    get fetches() {
      return fetches;
    },
    get answer() {
      return answer;
    },
    set answer(given) {
      answer = given;
    },
    async newKey(alg: string): Promise<Key> {
      made += 1;
      const kid = `key-${made}`;
      const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
      return { kid, alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
    },
    publish(keys: readonly Key[]) {
      published = keys;
    },
    sign({ kid, alg, privateKey }: Key, claims: JWTPayload = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000);
      const all = { iss: ISSUER, aud: AUDIENCE, sub: "ann", exp: now + 3600, scope: "sensors:read", ...claims };
      return new SignJWT(all).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}
