import { createHmac } from "node:crypto";

export interface SignedHeaders extends Record<string, string> {
  readonly "webhook-id": string;
  readonly "webhook-timestamp": string;
  readonly "webhook-signature": string;
}

/**
 * The three headers of Standard Webhooks 1.0 (standardwebhooks.com, "Webhook metadata" and "Signature scheme"): HMAC-SHA256 over
 * `id.timestamp.body`, base64, one `v1,` for each secret, so that a receiver may hold either while they are rotated. `atMs` is when
 * this attempt is made, epoch milliseconds; secrets are `whsec_` + standard base64.
 */
export function signedHeaders(message: { id: string; body: string; secrets: readonly string[] }, atMs: number): SignedHeaders {
  const timestamp = String(Math.floor(atMs / 1000));
  const text = `${message.id}.${timestamp}.${message.body}`;
  return {
    "webhook-id": message.id,
    "webhook-timestamp": timestamp,
    "webhook-signature": message.secrets.map((secret) => `v1,${sign(text, secret)}`).join(" "),
  };
}

const SECRET_PREFIX = "whsec_";

function sign(text: string, secret: string): string {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");
  return createHmac("sha256", key).update(text).digest("base64");
}
