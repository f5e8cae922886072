import { describe, expect, test } from "bun:test";
import { sign } from "node:crypto";
import fc from "fast-check";
import {
  type Credentials,
  KEY_KINDS,
  LIVE_KEYS_MAX,
  liveKeys,
  OVERLAP_DEFAULT_MS,
  OVERLAP_MAX_MS,
  publicKeys,
  rotate,
} from "../../src/domain/credentials";
import { isFault } from "../../src/domain/fault";
import { checkedSecret, ed25519KeyOf, newKey } from "../../src/signingKeys";

const NOW = 1_795_428_000_000;
const credentialsWith = (...keys: Credentials["keys"]): Credentials => ({ keys, headers: { "x-a": "b" }, auth: null, tls: null });

describe("a rotation", () => {
  test("puts the new key first and lets the old one sign for a day more", () => {
    const [old, key] = [newKey("v1", NOW - 5000), newKey("v1", NOW)];
    expect(rotate(credentialsWith(old), { key, now: NOW })).toEqual(credentialsWith(key, { ...old, expiresAt: NOW + OVERLAP_DEFAULT_MS }));
  });

  test("leaves keys of the other kind as they are", () => {
    const [v1, v1a, key] = [newKey("v1", 1), newKey("v1a", 2), newKey("v1a", NOW)];
    const { keys } = rotate(credentialsWith(v1a, v1), { key, overlapMs: 1000, now: NOW });
    expect(keys).toEqual([key, { ...v1a, expiresAt: NOW + 1000 }, v1]);
  });

  test("without an overlap leaves the new key alone", () => {
    const key = newKey("v1", NOW);
    expect(rotate(credentialsWith(newKey("v1", 1)), { key, overlapMs: 0, now: NOW }).keys).toEqual([key]);
  });

  test("with an overlap of less than nothing, more than seven days, or no whole number is refused", () => {
    for (const overlapMs of [-1, OVERLAP_MAX_MS + 1, 0.5, Number.NaN, Infinity]) {
      try {
        rotate(credentialsWith(), { key: newKey("v1", NOW), overlapMs, now: NOW });
        expect.unreachable();
      } catch (error) {
        expect(isFault(error, "invalid")).toBe(true);
      }
    }
  });

  test("is refused while ten keys sign, and says until when", () => {
    let credentials = credentialsWith();
    for (let count = 0; count < LIVE_KEYS_MAX; count += 1)
      credentials = rotate(credentials, { key: newKey("v1", NOW), now: NOW + count, overlapMs: 60_000 });
    expect(credentials.keys).toHaveLength(LIVE_KEYS_MAX);
    const next = { key: newKey("v1", NOW), overlapMs: 60_000 };
    expect(() => rotate(credentials, { ...next, now: NOW + 20 })).toThrow(new Date(NOW + 60_001).toISOString());
    expect(rotate(credentials, { ...next, now: NOW + 60_001 }).keys).toHaveLength(LIVE_KEYS_MAX);
    expect(rotate(credentials, { ...next, overlapMs: 0, now: NOW + 20 }).keys).toHaveLength(1);
  });

  test("after rotation, whatever they were, never lengthens a key's life, never keeps what has ended, and always signs with the newest", () => {
    const step = fc.record({
      kind: fc.constantFrom(...KEY_KINDS),
      overlapMs: fc.integer({ min: 0, max: OVERLAP_MAX_MS }),
      waitMs: fc.integer({ min: 0, max: OVERLAP_MAX_MS }),
    });
    const pool = Array.from({ length: 12 }, (_, index) => KEY_KINDS.map((kind) => newKey(kind, index)));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let credentials = credentialsWith();
        let now = NOW;
        for (const [index, { kind, overlapMs, waitMs }] of steps.entries()) {
          now += waitMs;
          const key = pool[index]?.find((each) => each.kind === kind) as Credentials["keys"][number];
          const before = credentials;
          try {
            credentials = rotate(before, { key, overlapMs, now });
          } catch (error) {
            expect(isFault(error, "conflict")).toBe(true);
            continue;
          }
          expect(liveKeys(credentials.keys, now)).toEqual(credentials.keys);
          expect(credentials.keys[0]).toBe(key);
          for (const old of before.keys) {
            const still = credentials.keys.find(({ id }) => id === old.id);
            if (still === undefined) continue;
            expect(still.expiresAt ?? Infinity).toBeLessThanOrEqual(old.expiresAt ?? Infinity);
            if (old.kind === kind) expect(still.expiresAt ?? Infinity).toBeLessThanOrEqual(now + overlapMs);
            else expect(still).toEqual(old);
          }
        }
      }),
    );
  });
});

describe("a new key", () => {
  test("is told from every other by its id and its secret, and has the form that Standard Webhooks gives it", () => {
    const keys = Array.from({ length: 200 }, (_, index) => newKey(KEY_KINDS[index % 2] ?? "v1", NOW));
    expect(new Set(keys.map(({ id }) => id)).size).toBe(keys.length);
    expect(new Set(keys.map(({ secret }) => secret)).size).toBe(keys.length);
    for (const { kind, secret, createdAt, expiresAt } of keys) {
      expect(secret).toMatch(kind === "v1" ? /^whsec_[A-Za-z0-9+/]{43}=$/ : /^whsk_[A-Za-z0-9+/]{86}==$/);
      expect({ createdAt, expiresAt }).toEqual({ createdAt: NOW, expiresAt: null });
      expect(checkedSecret(kind, secret)).toBe(secret);
    }
  });

  test("is made of the random bytes that it is given", () => {
    const random = (bytes: number) => new Uint8Array(bytes).fill(7);
    expect(newKey("v1a", NOW, random)).toEqual(newKey("v1a", NOW, random));
    expect(newKey("v1", NOW, random).secret).toBe(`whsec_${Buffer.alloc(32, 7).toString("base64")}`);
  });
});

describe("a secret that somebody brings along", () => {
  const whsec = (bytes: number) => `whsec_${Buffer.alloc(bytes, 9).toString("base64")}`;

  test("has 24 to 64 bytes", () => {
    expect([23, 24, 32, 64, 65].map((bytes) => checkedSecret("v1", whsec(bytes)) !== null)).toEqual([false, true, true, true, false]);
  });

  test("may be an ed25519 seed alone, and is kept with its public key", () => {
    const { secret } = newKey("v1a", NOW);
    const seed = Buffer.from(secret.slice(5), "base64").subarray(0, 32);
    expect(checkedSecret("v1a", `whsk_${seed.toString("base64")}`)).toBe(secret);
  });

  test("is refused when it is of the other kind, in another base64, or with another's public key", () => {
    const [one, other] = [newKey("v1a", NOW).secret, newKey("v1a", NOW).secret];
    const halves = (text: string) => Buffer.from(text.slice(5), "base64");
    const mixed = `whsk_${Buffer.concat([halves(one).subarray(0, 32), halves(other).subarray(32)]).toString("base64")}`;
    const wrong = ["", "whsk_", mixed, one.slice(0, -1), one.replace("whsk_", "whpk_"), whsec(32), `${one} `];
    expect(wrong.map((text) => checkedSecret("v1a", text))).toEqual(wrong.map(() => null));
    const wrongV1 = ["whsec_", one, `whsec_${"-_".repeat(22)}`, whsec(32).slice(0, -1), `whsec_ ${whsec(32).slice(6)}`];
    expect(wrongV1.map((text) => checkedSecret("v1", text))).toEqual(wrongV1.map(() => null));
  });
});

describe("public keys", () => {
  test("are those of the v1a keys that sign, and verify what these sign", async () => {
    const [current, before, gone] = [newKey("v1a", NOW), newKey("v1a", NOW - 1), newKey("v1a", NOW - 2)] as const;
    const keys = [current, { ...before, expiresAt: NOW + 1 }, { ...gone, expiresAt: NOW }, newKey("v1", NOW)];
    const shown = publicKeys({ keys }, NOW);
    expect(shown.map(({ jwk }) => jwk.kid)).toEqual([current.id, before.id]);
    for (const [index, { jwk, whpk }] of shown.entries()) {
      const { secret } = keys[index] as { secret: string };
      expect(jwk).toMatchObject({ kty: "OKP", crv: "Ed25519", use: "sig", alg: "EdDSA" });
      expect(whpk).toBe(`whpk_${Buffer.from(jwk.x, "base64url").toString("base64")}`);
      const text = Buffer.from("id.1.body");
      const key = await crypto.subtle.importKey("jwk", { ...jwk, alg: "Ed25519" }, "Ed25519", false, ["verify"]);
      expect(await crypto.subtle.verify("Ed25519", key, new Uint8Array(sign(null, text, ed25519KeyOf(secret))), text)).toBe(true);
      const seed = Buffer.from(secret.slice(5), "base64").subarray(0, 32);
      const printed = JSON.stringify(shown);
      for (const form of ["base64", "base64url", "hex"] as const) expect(printed).not.toContain(seed.toString(form).slice(0, 40));
    }
  });
});
