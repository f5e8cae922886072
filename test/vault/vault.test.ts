import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import type { Credentials } from "../../src/domain/credentials";
import { newKey } from "../../src/signingKeys";
import { CannotOpen, openVault, type Vault } from "../../src/vault";
import { SealingKey } from "../../src/vault/sealingKey";

const bytes = randomBytes(32);
const key = new SealingKey(bytes);
const other = new SealingKey(randomBytes(32));
const vault = openVault({ keys: [key] });
const full: Credentials = {
  keys: [newKey("v1", 1_000), newKey("v1a", 900)],
  headers: { "x-tenant": "a-header's-secret" },
  auth: { type: "basic", username: "tocsin", password: "pässwörd" },
  tls: { certificate: "-----BEGIN CERTIFICATE-----", key: "-----BEGIN PRIVATE KEY-----", ca: null },
};
const SECRETS = [...full.keys.map(({ secret }) => secret), "a-header's-secret", "pässwörd", "PRIVATE KEY"];

/** What is thrown; undefined when nothing is. */
function refusal(opening: Vault, webhookId: string, sealed: string): CannotOpen | undefined {
  try {
    opening.openCredentials(webhookId, sealed);
  } catch (error) {
    if (error instanceof CannotOpen) return error;
    throw error;
  }
  return undefined;
}

describe("sealed credentials", () => {
  test("open as they were sealed, whatever stands in them", () => {
    const texts = fc.record({ "x-a": fc.string({ unit: "binary" }), "x-b": fc.string({ unit: "grapheme" }) });
    fc.assert(
      fc.property(texts, fc.string({ minLength: 1 }), (headers, webhookId) => {
        const credentials = { ...full, headers };
        const fresh = openVault({ keys: [key] });
        expect(fresh.openCredentials(webhookId, vault.sealCredentials(webhookId, credentials))).toEqual(credentials);
      }),
    );
  });

  test("show nothing of what is in them, and are never twice the same", () => {
    const sealed = vault.sealCredentials("wh_1", full);
    expect(sealed).toMatch(new RegExp(`^v1\\.${key.id}\\.[\\w-]{16}\\.[\\w-]+$`));
    const shown = Buffer.from(sealed.split(".")[3] as string, "base64url").toString("latin1");
    for (const secret of SECRETS) expect(shown).not.toContain(secret);
    expect(new Set(Array.from({ length: 1000 }, () => vault.sealCredentials("wh_1", full).split(".")[2])).size).toBe(1000);
  });

  test("do not open for another webhook, so that rows cannot be swapped", () => {
    const sealed = vault.sealCredentials("wh_1", full);
    expect(refusal(vault, "wh_2", sealed)).toMatchObject({ reason: "damaged", keyId: key.id });
    // Even after it was opened where it belongs.
    expect(vault.openCredentials("wh_1", sealed)).toEqual(full);
    expect(refusal(vault, "wh_2", sealed)?.reason).toBe("damaged");
  });

  test("do not open once a single character is another", () => {
    const sealed = vault.sealCredentials("wh_1", full);
    const from = sealed.indexOf(".", 3) + 1;
    fc.assert(
      fc.property(
        fc.integer({ min: from, max: sealed.length - 2 }),
        fc.constantFrom("A", "Q", "g", "w", "-", "_", "9", "."),
        (at, character) => {
          fc.pre(sealed[at] !== character);
          expect(refusal(vault, "wh_1", sealed.slice(0, at) + character + sealed.slice(at + 1))?.reason).toBe("damaged");
        },
      ),
    );
  });

  test("do not open when cut off, under a wrong key with the right id, or when they are something else", () => {
    const sealed = vault.sealCredentials("wh_1", full);
    const foreign = openVault({ keys: [other] }).sealCredentials("wh_1", full);
    const wrong = [
      "",
      "v1",
      "v2.x",
      sealed.slice(0, -8),
      sealed.replace(/\.[^.]+$/, ".AAAA"),
      foreign.replace(other.id, key.id),
      "plain:",
      "plain:{}",
      "plain:[1]",
    ];
    expect(wrong.map((text) => refusal(vault, "wh_1", text)?.reason)).toEqual(wrong.map(() => "damaged"));
  });

  test("without their key are refused by its id, as the vault without a key refuses all of them", () => {
    const sealed = vault.sealCredentials("wh_1", full);
    for (const keys of [[other], []]) {
      const error = refusal(openVault({ keys }), "wh_1", sealed);
      expect(error).toMatchObject({ reason: "keyMissing", keyId: key.id, kind: "unavailable" });
      expect(error?.message).toContain(key.id);
      expect(error?.message).toContain("wh_1");
    }
    expect(() => openVault({ keys: [] }).sealCredentials("wh_1", full)).toThrow("SECRETS_KEY");
  });

  test("opened twice are one object, so that what is prepared from it is prepared once", () => {
    const sealed = vault.sealCredentials("wh_1", full);
    expect(vault.openCredentials("wh_1", sealed)).toBe(vault.openCredentials("wh_1", sealed));
  });
});

describe("several keys", () => {
  test("the first seals, all of them open, and only what the first sealed is current", () => {
    const before = openVault({ keys: [key, other] });
    const after = openVault({ keys: [other, key] });
    const sealed = before.sealCredentials("wh_1", full);
    expect(after.openCredentials("wh_1", sealed)).toEqual(full);
    expect([before.isCurrent(sealed), after.isCurrent(sealed)]).toEqual([true, false]);
    expect(after.isCurrent(after.sealCredentials("wh_1", full))).toBe(true);
    expect(vault.isCurrent("plain:[]")).toBe(false);
  });
});

test("secrets from before they were sealed open as keys that sign", () => {
  const secrets = [newKey("v1", 0).secret, newKey("v1", 0).secret];
  const opened = openVault({ keys: [key], clock: () => 5_000 }).openCredentials("wh_1", `plain:${JSON.stringify(secrets)}`);
  expect(opened).toEqual({
    keys: secrets.map((secret, index) => ({ id: `key_${index + 1}`, kind: "v1", secret, createdAt: 5_000, expiresAt: null })),
    headers: {},
    auth: null,
    tls: null,
  });
});

test("neither a vault, nor a key, nor an error shows a secret when it is printed", () => {
  const sealed = vault.sealCredentials("wh_1", full);
  vault.openCredentials("wh_1", sealed);
  const plain = `plain:[${JSON.stringify(full.keys[0]?.secret)}`;
  const things: unknown[] = [
    vault,
    key,
    [key],
    refusal(openVault({ keys: [other] }), "wh_1", sealed),
    refusal(vault, "wh_2", sealed),
    refusal(vault, "wh_1", plain),
  ];
  expect(things.every((thing) => thing !== undefined)).toBe(true);
  const forms = [bytes.toString("base64"), bytes.toString("base64url"), bytes.toString("hex"), [...bytes.subarray(0, 4)].join(", ")];
  for (const thing of things) {
    const shown = [JSON.stringify(thing), inspect(thing, { depth: 9, showHidden: true }), Bun.inspect(thing, { depth: 9 }), String(thing)];
    if (thing instanceof Error) shown.push(thing.message, thing.stack ?? "", inspect(thing.cause));
    for (const secret of [...SECRETS, ...forms, sealed]) for (const text of shown) expect(text).not.toContain(secret);
  }
});
