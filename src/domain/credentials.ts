import { Fault } from "./fault";

export const KEY_KINDS = ["v1", "v1a"] as const;
/** `v1`: HMAC-SHA256, a secret that both sides hold. `v1a`: ed25519, its public half for whoever receives. */
export type KeyKind = (typeof KEY_KINDS)[number];

export interface SigningKey {
  readonly id: string;
  readonly kind: KeyKind;
  /** `v1`: `whsec_` + 24 to 64 bytes. `v1a`: `whsk_` + 64 bytes, the seed and after it the public key. Standard padded base64. */
  readonly secret: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** From then on it signs no more; null as long as no other takes its place. */
  readonly expiresAt: number | null;
}

/** All that a webhook's requests prove themselves with. The store holds it sealed. */
export interface Credentials {
  /** Newest first. */
  readonly keys: readonly SigningKey[];
  readonly headers: Readonly<Record<string, string>>;
  readonly auth:
    | { readonly type: "basic"; readonly username: string; readonly password: string }
    | { readonly type: "bearer"; readonly token: string }
    | null;
  /** PEM, for mutual TLS. */
  readonly tls: { readonly certificate: string; readonly key: string; readonly ca: string | null } | null;
}

/** So many keys sign a request at most: each is a part of the header. */
export const LIVE_KEYS_MAX = 10;
export const OVERLAP_DEFAULT_MS = 24 * 3600 * 1000;
export const OVERLAP_MAX_MS = 7 * OVERLAP_DEFAULT_MS;

export const V1_PREFIX = "whsec_";
export const V1A_PREFIX = "whsk_";
const V1A_PUBLIC_PREFIX = "whpk_";
export const ED25519_SEED_BYTES = 32;

/** The keys that sign at `now`, newest first. */
export function liveKeys(keys: readonly SigningKey[], now: number): readonly SigningKey[] {
  return keys.filter(({ expiresAt }) => expiresAt === null || expiresAt > now).slice(0, LIVE_KEYS_MAX);
}

export interface Rotation {
  readonly key: SigningKey;
  /** How long the keys of its kind go on signing beside it: 0 to {@link OVERLAP_MAX_MS}. */
  readonly overlapMs?: number;
  readonly now: number;
}

/**
 * `key` comes first, older keys of its kind end after the overlap (never later than they would have), and what has ended by `now` is gone.
 * Keys of the other kind stay as they are. Throws `Fault`: `invalid` for an overlap out of range, `conflict` when too many keys would sign.
 */
export function rotate(credentials: Credentials, { key, overlapMs = OVERLAP_DEFAULT_MS, now }: Rotation): Credentials {
  if (!Number.isInteger(overlapMs) || overlapMs < 0 || overlapMs > OVERLAP_MAX_MS) {
    const message = `must be from 0 to ${OVERLAP_MAX_MS / 1000}, seven days`;
    throw new Fault("invalid", "The overlap is out of range.", { errors: [{ pointer: "/overlapSeconds", message }] });
  }
  const endsAt = now + overlapMs;
  const older = credentials.keys
    .map((each) => (each.kind === key.kind ? { ...each, expiresAt: Math.min(each.expiresAt ?? endsAt, endsAt) } : each))
    .filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
  if (older.length >= LIVE_KEYS_MAX) throw new Fault("conflict", tooMany(older));
  return { ...credentials, keys: [key, ...older] };
}

/**
 * Without one of its keys, which then signs nothing more. Throws `Fault`: `notFound` for a key that is not there, `conflict` for the last
 * one that signs at `now`.
 */
export function withoutKey(credentials: Credentials, keyId: string, now: number): Credentials {
  const keys = credentials.keys.filter(({ id }) => id !== keyId);
  if (keys.length === credentials.keys.length) throw new Fault("notFound", `There is no key ${keyId}.`);
  if (liveKeys(keys, now).length === 0) throw new Fault("conflict", `Key ${keyId} is the last one that signs: rotate the secret first.`);
  return { ...credentials, keys };
}

function tooMany(older: readonly SigningKey[]): string {
  const ends = older.flatMap(({ expiresAt }) => (expiresAt === null ? [] : [expiresAt]));
  const first = ends.length === 0 ? "" : `; the next one ends at ${new Date(Math.min(...ends)).toISOString()}`;
  return `${LIVE_KEYS_MAX} keys sign already, and no more may${first}. A shorter overlap ends older ones sooner.`;
}

/** A public key as receivers find it: a JSON Web Key (RFC 8037), and the form that Standard Webhooks gives it. */
export interface PublicKey {
  readonly jwk: {
    readonly kty: "OKP";
    readonly crv: "Ed25519";
    readonly x: string;
    readonly kid: string;
    readonly use: "sig";
    readonly alg: "EdDSA";
  };
  /** `whpk_` + standard padded base64 of the 32 bytes. */
  readonly whpk: string;
}

/** The public halves of the `v1a` keys that sign at `now`, newest first. */
export function publicKeys({ keys }: Pick<Credentials, "keys">, now: number): readonly PublicKey[] {
  return liveKeys(keys, now).flatMap(({ id, kind, secret }) => {
    if (kind !== "v1a") return [];
    const half = Buffer.from(secret.slice(V1A_PREFIX.length), "base64").subarray(ED25519_SEED_BYTES);
    const x = half.toString("base64url");
    return [
      {
        jwk: { kty: "OKP", crv: "Ed25519", x, kid: id, use: "sig", alg: "EdDSA" } as const,
        whpk: `${V1A_PUBLIC_PREFIX}${half.toString("base64")}`,
      },
    ];
  });
}
