import { timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";
import { Fault } from "../domain/fault";
import type { Reach } from "../domain/reach";
import { hashToken, isToken } from "../domain/token";
import type { TokenRecord, TokenStore } from "../store/store";
import type { JwtVerifier } from "./jwt";
import { unauthorized } from "./problems";
import { createTokenLookups } from "./tokenLookups";
import { openTokenUses } from "./tokenUses";

/** A token that was revoked or edited on another node is out after this, counted from when it was looked up. */
const KNOWN_FOR_MS = 1000;
/** So long a JSON Web Token is not checked again: a key that is withdrawn is out after this. */
const JWT_KNOWN_FOR_MS = 5000;
/** What is in use is looked up again when so much of its time is over, while nobody waits for it. */
const RENEWED_AFTER = 0.6;
const KNOWN_MAX = 10_000;
const KNOWN_CHARS_MAX = 16 * 1024 * 1024;
/** A database that takes longer than a look-up counts is asked once more. */
const LOOKS_MAX = 2;

/** Who asks, and what that one may do. */
export interface Caller {
  readonly kind: "admin" | "token" | "jwt";
  /** The same for as long as the credential is: a token's id, a JWT's subject and issuer. */
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  /** The sensors that it is limited to; null for all. */
  readonly reach: Reach | null;
}

export interface Bearers {
  /**
   * Who asks: at once, where that is known. Throws, or rejects with, {@link Refusal} (401) without a valid token, `Fault` (unavailable) when
   * it cannot be looked up.
   */
  callerOf(headers: Headers): Caller | Promise<Caller>;
  /** A token was made, edited or revoked here: that holds at once. */
  tokenChanged(tokenId: string): void;
  stop(): Promise<void>;
}

export interface BearersOptions {
  readonly tokens: Pick<TokenStore, "findTokens" | "touchToken">;
  readonly adminToken: string | null;
  /** Null where JSON Web Tokens are not taken. */
  readonly jwt?: JwtVerifier | null;
  /** Monotonic milliseconds. */
  readonly clock?: () => number;
}

interface Known {
  readonly caller: Caller;
  /** By the monotonic clock. */
  readonly until: number;
  renewAt: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export function createBearers({ tokens, adminToken, jwt = null, clock = () => performance.now() }: BearersOptions): Bearers {
  const admin: Caller = { kind: "admin", id: "admin", name: "ADMIN_TOKEN", scopes: ["admin"], reach: null };
  const adminHashes = adminToken === null ? [] : spellings(adminToken).map((spelling) => Buffer.from(hashToken(spelling)));
  // By the header as it was sent, so that who is known costs no hash. Only what was valid gets in; to be found, all of it must be the same.
  const known = new LRUCache<string, Known>({
    max: KNOWN_MAX,
    maxSize: KNOWN_CHARS_MAX,
    sizeCalculation: (_, header) => header.length + 1,
  });
  const lookups = createTokenLookups((hashes) => tokens.findTokens(hashes), { absentForMs: KNOWN_FOR_MS, clock });
  const uses = openTokenUses(tokens);
  let edits = 0;

  function remember(
    header: string,
    caller: Caller,
    { from, forMs, expiresAt }: { from: number; forMs: number; expiresAt: number },
  ): Caller {
    known.set(header, { caller, until: from + forMs, renewAt: from + forMs * RENEWED_AFTER, expiresAt });
    return caller;
  }

  async function tokenHolder(header: string, token: string): Promise<Caller> {
    const hash = hashToken(token);
    for (let looks = 1; looks <= LOOKS_MAX; looks += 1) {
      const before = edits;
      const { record, beganAt } = await lookups.find(hash, known.has(header));
      const now = Date.now();
      if (record === null || isOver(record, now)) {
        known.delete(header);
        throw unauthorized("The token is not valid.");
      }
      if (clock() - beganAt >= KNOWN_FOR_MS) continue;
      uses.note(record.id, now);
      const caller = callerBy(record);
      if (edits !== before) return caller;
      return remember(header, caller, { from: beganAt, forMs: KNOWN_FOR_MS, expiresAt: record.expiresAt ?? Number.POSITIVE_INFINITY });
    }
    throw new Fault("unavailable", "The token cannot be looked up in time; try again in a moment.");
  }

  async function jwtHolder(header: string, token: string, verifier: JwtVerifier): Promise<Caller> {
    const from = clock();
    try {
      const { caller, expiresAt } = await verifier.verify(token);
      return remember(header, caller, { from, forMs: JWT_KNOWN_FOR_MS, expiresAt });
    } catch (error) {
      known.delete(header);
      throw error;
    }
  }

  function look(header: string): Caller | Promise<Caller> {
    const token = tokenIn(header);
    if (adminHashes.length > 0 && isOneOf(adminHashes, Buffer.from(hashToken(token)))) {
      return remember(header, admin, { from: 0, forMs: Number.POSITIVE_INFINITY, expiresAt: Number.POSITIVE_INFINITY });
    }
    if (isToken(token)) return tokenHolder(header, token);
    if (jwt !== null && JWT.test(token)) return jwtHolder(header, token, jwt);
    throw unauthorized("The token is not valid.");
  }

  async function renew(header: string, before: Known): Promise<void> {
    before.renewAt = Number.POSITIVE_INFINITY;
    try {
      await look(header);
    } catch {
      // Whoever asks when it counts no more is told.
    }
  }

  return {
    callerOf(headers) {
      const header = headers.get("authorization") ?? "";
      const found = known.get(header);
      if (found === undefined) return look(header);
      const now = clock();
      if (now >= found.until || Date.now() >= found.expiresAt) return look(header);
      if (now >= found.renewAt) void renew(header, found);
      return found.caller;
    },
    tokenChanged(tokenId) {
      edits += 1;
      lookups.forget();
      for (const [header, { caller }] of known.entries()) if (caller.kind === "token" && caller.id === tokenId) known.delete(header);
    },
    stop: () => uses.stop(),
  };
}

const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

function tokenIn(header: string): string {
  const token = /^bearer +(.+)$/i.exec(header)?.[1];
  if (token === undefined) throw unauthorized("Send a token as `Authorization: Bearer …`.");
  return token;
}

function callerBy({ id, name, scopes, reach }: TokenRecord): Caller {
  return { kind: "token", id, name, scopes, reach };
}

function isOver({ expiresAt }: TokenRecord, now: number): boolean {
  return expiresAt !== null && expiresAt <= now;
}

/** Compares with all of them, in the same time whichever it is. */
function isOneOf(hashes: readonly Buffer[], hash: Buffer): boolean {
  return hashes.map((each) => timingSafeEqual(hash, each)).includes(true);
}

/** How a text can stand in a header as we read it, byte by byte: as it is, or, where it is not ASCII, as the bytes of its UTF-8. */
function spellings(text: string): string[] {
  return [...new Set([text, Buffer.from(text).toString("latin1")])];
}
