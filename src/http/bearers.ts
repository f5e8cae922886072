import { timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Reach } from "../domain/reach";
import { hashToken } from "../domain/token";
import type { TokenRecord, TokenStore } from "../store/store";
import { Refusal } from "./problems";

/** A revoked token is out after this. */
const KNOWN_FOR_MS = 1000;
const KNOWN_MAX = 10_000;
/** How exactly a token's last use is told. */
const TOUCH_EVERY_MS = 60_000;
/** Uses are written down beside the requests, together. */
const TOUCH_AFTER_MS = 1000;

/** Who asks, and what that one may do. */
export interface Caller {
  readonly kind: "admin" | "token" | "jwt";
  /** The same for as long as the credential is: a token's id, a JWT's issuer and subject. */
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  /** The sensors that it is limited to; null for all. */
  readonly reach: Reach | null;
}

export interface Bearers {
  /** Who asks. Throws {@link Refusal} (401) without a valid token, `Fault` (unavailable) when it cannot be looked up. */
  callerOf(headers: Headers): Promise<Caller>;
  /** A token was revoked here: it is out at once. */
  forget(tokenId: string): void;
  stop(): Promise<void>;
}

export interface BearersOptions {
  readonly tokens: Pick<TokenStore, "findToken" | "touchToken">;
  readonly adminToken: string | null;
}

export function createBearers({ tokens, adminToken }: BearersOptions): Bearers {
  const admin: Caller = { kind: "admin", id: "admin", name: "ADMIN_TOKEN", scopes: ["admin"], reach: null };
  const adminHashes = adminToken === null ? [] : spellings(adminToken).map((spelling) => Buffer.from(hashToken(spelling)));
  const known = new LRUCache<string, TokenRecord>({ max: KNOWN_MAX, ttl: KNOWN_FOR_MS });
  const uses = openUses(tokens);

  async function find(hash: string): Promise<TokenRecord | null> {
    const record = known.get(hash) ?? (await tokens.findToken(hash));
    if (record === null) return null;
    if (!known.has(hash)) known.set(hash, record);
    return record;
  }

  return {
    async callerOf(headers) {
      const token = tokenIn(headers);
      const hash = hashToken(token);
      if (adminHashes.some((adminHash) => timingSafeEqual(Buffer.from(hash), adminHash))) return admin;
      const record = await find(hash);
      const now = Date.now();
      if (record === null || (record.expiresAt !== null && record.expiresAt <= now)) throw unauthorized("The token is not valid.");
      uses.note(record.id, now);
      const { id, name, scopes, reach } = record;
      return { kind: "token", id, name, scopes, reach };
    },
    forget(tokenId) {
      for (const [hash, record] of known.entries()) if (record.id === tokenId) known.delete(hash);
    },
    stop: () => uses.stop(),
  };
}

function tokenIn(headers: Headers): string {
  const token = /^bearer +(.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (token === undefined) throw unauthorized("Send a token as `Authorization: Bearer …`.");
  return token;
}

/** How a text can stand in a header as we read it, byte by byte: as it is, or, where it is not ASCII, as the bytes of its UTF-8. */
function spellings(text: string): string[] {
  return [...new Set([text, Buffer.from(text).toString("latin1")])];
}

function unauthorized(detail: string): Refusal {
  return new Refusal(401, detail, { headers: { "www-authenticate": "Bearer" } });
}

/** Writes down when tokens were last used, each at most once a minute, and never while a request waits for it. */
function openUses(tokens: Pick<TokenStore, "touchToken">) {
  const noted = new LRUCache<string, true>({ max: KNOWN_MAX, ttl: TOUCH_EVERY_MS });
  const waiting = new Map<string, number>();
  let timer: Timer | null = null;

  async function write(): Promise<void> {
    timer = null;
    const due = [...waiting];
    waiting.clear();
    // Only people read it, and the next use tells again: no reason to fail, or to say anything.
    await Promise.allSettled(due.map(([id, usedAt]) => tokens.touchToken(id, usedAt)));
  }

  return {
    note(id: string, usedAt: number): void {
      if (noted.has(id)) return;
      noted.set(id, true);
      waiting.set(id, usedAt);
      timer ??= setTimeout(() => void write(), TOUCH_AFTER_MS);
    },
    async stop(): Promise<void> {
      if (timer !== null) clearTimeout(timer);
      await write();
    },
  };
}
