/** Secrets are kept sealed, webhooks' and those in answers: whoever reads the database, or a copy of it, reads none of them. */
import { LRUCache } from "lru-cache";
import type { Credentials } from "./domain/credentials";
import { Fault } from "./domain/fault";
import { WEBHOOKS_MAX } from "./domain/webhook";
import type { SealingKey } from "./vault/sealingKey";

export interface Vault {
  /** Under the first key, for this webhook alone. Throws `Fault` (unavailable) on a node without a key. */
  sealCredentials(webhookId: string, credentials: Credentials): string;
  /** The same object for the same text, as long as it is remembered. Throws {@link CannotOpen}. */
  openCredentials(webhookId: string, sealed: string): Credentials;
  /** Under the first key, for this purpose alone. Throws `Fault` (unavailable) on a node without a key. */
  sealText(purpose: string, text: string): string;
  /** Null when it was sealed for something else, or with a key that is not among ours. */
  openText(purpose: string, sealed: string): string | null;
  /** Whether it is sealed under the first key, so that it need not be sealed anew. */
  isCurrent(sealed: string): boolean;
}

/** Sealed credentials that do not open. Its message names the webhook and the key's id, never what is sealed. */
export class CannotOpen extends Fault {
  constructor(
    /** `keyMissing`: another key is needed. `damaged`: it is not what was sealed for this webhook. */
    readonly reason: "keyMissing" | "damaged",
    /** Null where it is not even known which key would open it. */
    readonly keyId: string | null,
    message: string,
  ) {
    super("unavailable", message);
  }
}

const FORM = "v1";
/** How secrets stood before they were sealed: a JSON array of `whsec_` strings. */
const PLAIN = "plain:";

export interface VaultOptions {
  /** The first seals, all of them open. None at all: a node that never has to do with secrets. */
  readonly keys: readonly SealingKey[];
  readonly clock?: () => number;
}

/** A sealed text is `v1.<key id>.<iv>.<ciphertext and tag>`, the last two in base64url; the webhook's id is authenticated with it. */
export function openVault({ keys, clock = Date.now }: VaultOptions): Vault {
  const [current] = keys;
  const opened = new LRUCache<string, Credentials>({ max: WEBHOOKS_MAX });

  function credentialsIn(webhookId: string, sealed: string): Credentials {
    if (sealed.startsWith(PLAIN)) return plainCredentials(webhookId, sealed.slice(PLAIN.length), clock());
    return JSON.parse(open(webhookId, sealed)) as Credentials;
  }

  function open(webhookId: string, sealed: string): string {
    const parts = partsOf(sealed);
    if (parts === null) throw damaged(webhookId, null);
    const key = keys.find(({ id }) => id === parts.keyId);
    if (key === undefined) throw keyMissing(webhookId, parts.keyId, keys);
    const text = key.open(parts, contextOf(parts.keyId, webhookId));
    if (text === null) throw damaged(webhookId, parts.keyId);
    return text;
  }

  function seal(text: string, contextFor: (keyId: string) => string): string {
    if (current === undefined) throw new Fault("unavailable", "This node has no SECRETS_KEY, so it cannot keep secrets.");
    const { iv, sealed } = current.seal(text, contextFor(current.id));
    return [FORM, current.id, iv.toString("base64url"), sealed.toString("base64url")].join(".");
  }

  return {
    sealCredentials: (webhookId, credentials) => seal(JSON.stringify(credentials), (keyId) => contextOf(keyId, webhookId)),

    sealText: (purpose, text) => seal(text, (keyId) => textContextOf(keyId, purpose)),

    openText(purpose, sealed) {
      const parts = partsOf(sealed);
      const key = keys.find(({ id }) => id === parts?.keyId);
      return parts === null || key === undefined ? null : key.open(parts, textContextOf(parts.keyId, purpose));
    },

    openCredentials(webhookId, sealed) {
      const name = `${webhookId} ${sealed}`;
      const known = opened.get(name);
      if (known !== undefined) return known;
      const credentials = credentialsIn(webhookId, sealed);
      opened.set(name, credentials);
      return credentials;
    },

    isCurrent: (sealed) => current !== undefined && partsOf(sealed)?.keyId === current.id,
  };
}

/** The id of the key that it was sealed with; null when it is not sealed. */
export function sealedWith(sealed: string): string | null {
  return partsOf(sealed)?.keyId ?? null;
}

function partsOf(sealed: string): { keyId: string; iv: Buffer; sealed: Buffer } | null {
  const match = /^v1\.([0-9a-f]{8})\.([\w-]+)\.([\w-]+)$/.exec(sealed);
  if (match === null) return null;
  const [, keyId, iv, text] = match as unknown as [string, string, string, string];
  return { keyId, iv: Buffer.from(iv, "base64url"), sealed: Buffer.from(text, "base64url") };
}

/** A row's text opens in that row alone. */
function contextOf(keyId: string, webhookId: string): string {
  return `tocsin webhook ${FORM}.${keyId}.${webhookId}`;
}

function textContextOf(keyId: string, purpose: string): string {
  return `tocsin text ${FORM}.${keyId}.${purpose}`;
}

function plainCredentials(webhookId: string, text: string, now: number): Credentials {
  const secrets = plainSecrets(text);
  if (secrets === null) throw damaged(webhookId, null);
  const keys = secrets.map((secret, index) => ({ id: `key_${index + 1}`, kind: "v1" as const, secret, createdAt: now, expiresAt: null }));
  return { keys, headers: {}, auth: null, tls: null };
}

function plainSecrets(text: string): string[] | null {
  try {
    const secrets: unknown = JSON.parse(text);
    return Array.isArray(secrets) && secrets.every((each) => typeof each === "string" && each.startsWith("whsec_")) ? secrets : null;
  } catch {
    return null;
  }
}

function keyMissing(webhookId: string, keyId: string, keys: readonly SealingKey[]): CannotOpen {
  const held = keys.length === 0 ? "none" : keys.map(({ id }) => id).join(", ");
  return new CannotOpen(
    "keyMissing",
    keyId,
    `The secrets of webhook ${webhookId} are sealed with key ${keyId}, which is not among those given (${held}): add it to SECRETS_KEY, after the first.`,
  );
}

function damaged(webhookId: string, keyId: string | null): CannotOpen {
  const key = keyId === null ? "are in no form that is known" : `do not open with key ${keyId}, which sealed them`;
  return new CannotOpen(
    "damaged",
    keyId,
    `The secrets of webhook ${webhookId} ${key}: the row was changed, or belongs to another webhook.`,
  );
}
