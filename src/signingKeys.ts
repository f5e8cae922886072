/** Keys that webhooks are signed with: how they are made, and what makes a given one right. */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { ED25519_SEED_BYTES, type KeyKind, type SigningKey, V1_PREFIX, V1A_PREFIX } from "./domain/credentials";

const V1_BYTES = 32;
const V1_BYTES_MIN = 24;
const V1_BYTES_MAX = 64;
const ID_BYTES = 6;
/** What stands before the seed in an ed25519 private key's PKCS #8 (RFC 8410, section 7). */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export type Random = (bytes: number) => Uint8Array;

export function newKey(kind: KeyKind, now: number, random: Random = randomBytes): SigningKey {
  const id = `key_${Buffer.from(random(ID_BYTES)).toString("hex")}`;
  const secret =
    kind === "v1" ? `${V1_PREFIX}${Buffer.from(random(V1_BYTES)).toString("base64")}` : secretOf(Buffer.from(random(ED25519_SEED_BYTES)));
  return { id, kind, secret, createdAt: now, expiresAt: null };
}

/**
 * A secret that somebody brings along, as it is kept; a `whsk_` may be the seed alone (32 bytes) or with its public key after it (64).
 * Null when it is not one: what is wrong with it must not be shown, since it may be one with a slip of the pen.
 */
export function checkedSecret(kind: KeyKind, text: string): string | null {
  const prefix = kind === "v1" ? V1_PREFIX : V1A_PREFIX;
  const encoded = text.slice(prefix.length);
  if (!text.startsWith(prefix) || !BASE64.test(encoded)) return null;
  const bytes = Buffer.from(encoded, "base64");
  if (kind === "v1") return bytes.length >= V1_BYTES_MIN && bytes.length <= V1_BYTES_MAX ? text : null;
  if (bytes.length !== ED25519_SEED_BYTES && bytes.length !== 2 * ED25519_SEED_BYTES) return null;
  const whole = secretOf(bytes.subarray(0, ED25519_SEED_BYTES));
  // A public half that is another's would make signatures that nobody can verify.
  return bytes.length === ED25519_SEED_BYTES || whole === text ? whole : null;
}

/** The bytes that a `v1` secret stands for. */
export function hmacKeyOf(secret: string): Buffer {
  return Buffer.from(secret.slice(V1_PREFIX.length), "base64");
}

/** The private key that a `v1a` secret stands for. */
export function ed25519KeyOf(secret: string): KeyObject {
  return privateKeyOf(Buffer.from(secret.slice(V1A_PREFIX.length), "base64").subarray(0, ED25519_SEED_BYTES));
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: "der", type: "pkcs8" });
}

function secretOf(seed: Uint8Array): string {
  const spki = createPublicKey(privateKeyOf(seed)).export({ format: "der", type: "spki" });
  return `${V1A_PREFIX}${Buffer.concat([seed, spki.subarray(-ED25519_SEED_BYTES)]).toString("base64")}`;
}
