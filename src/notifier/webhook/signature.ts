import { createHmac } from "node:crypto";

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

const SECRET_PREFIX = "whsec_";

/** HMAC-SHA256; the secret is `whsec_` + standard base64. */
export function hmacSigner(secret: string): Signer {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");
  return (text) => `v1,${createHmac("sha256", key).update(text).digest("base64")}`;
}
