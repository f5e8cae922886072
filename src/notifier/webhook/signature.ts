import { sign } from "node:crypto";
import { type Credentials, liveKeys, type SigningKey } from "../../domain/credentials";
import { ed25519KeyOf, hmacKeyOf } from "../../signingKeys";

export interface SignedHeaders extends Record<string, string> {
  readonly "webhook-id": string;
  readonly "webhook-timestamp": string;
  readonly "webhook-signature": string;
}

/** Gives one signature of `id.timestamp.body` with its version before it: `v1,…` or `v1a,…`. */
export type Signer = (text: string) => string;

/**
 * The three headers of Standard Webhooks 1.0 (standardwebhooks.com, "Webhook metadata" and "Signature scheme"): one signature for each
 * signer, so that a receiver may hold any of their keys while they are rotated. `atMs` is when this attempt is made, epoch milliseconds.
 */
export function signedHeaders(message: { id: string; body: string }, signers: readonly Signer[], atMs: number): SignedHeaders {
  const timestamp = String(Math.floor(atMs / 1000));
  const text = `${message.id}.${timestamp}.${message.body}`;
  return {
    "webhook-id": message.id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signers.map((signer) => signer(text)).join(" "),
  };
}

/** Of the keys that are valid at `now`, newest first. May be asked for every attempt: a key is prepared once, as long as it is held. */
export function signersOf({ keys }: Pick<Credentials, "keys">, now: number): readonly Signer[] {
  return liveKeys(keys, now).map(signerOf);
}

const prepared = new WeakMap<SigningKey, Signer>();

function signerOf(key: SigningKey): Signer {
  const known = prepared.get(key);
  if (known !== undefined) return known;
  const signer = key.kind === "v1" ? hmacSigner(key.secret) : ed25519Signer(key.secret);
  prepared.set(key, signer);
  return signer;
}

/** A copy of a hasher that has taken its key already: 0.4 µs for a body of 500 bytes, `createHmac` 0.7 µs. */
export function hmacSigner(secret: string): Signer {
  const keyed = new Bun.CryptoHasher("sha256", hmacKeyOf(secret));
  return (text) => `v1,${keyed.copy().update(text).digest("base64")}`;
}

function ed25519Signer(secret: string): Signer {
  const key = ed25519KeyOf(secret);
  return (text) => `v1a,${sign(null, Buffer.from(text), key).toString("base64")}`;
}
