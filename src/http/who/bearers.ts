import { timingSafeEqual } from "node:crypto";
import type { Reach } from "../../domain/reach";
import { hashToken } from "../../domain/token";
import type { TokenMint } from "../../tokenMint";
import type { JwtVerifier } from "./jwt";
import { type Known, KnownCallers } from "./knownCallers";
import { unauthorized } from "../problems";
import { openTokenHolders, type TokenHolderOptions } from "./tokenHolders";

/** So long a JSON Web Token is not checked again: a key that is withdrawn is out after this. */
const JWT_KNOWN_FOR_MS = 5000;

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
  /** Whether what is shown was valid when it was last looked up here, and is no guess. */
  wasValid(headers: Headers): boolean;
  /** Of a token that was made here, by its tag, its hash; null for whatever may be a guess. */
  madeHere(headers: Headers): string | null;
  /** A token was made, edited or revoked here: that holds at once. */
  tokenChanged(tokenId: string): void;
  stop(): Promise<void>;
}

export interface BearersOptions extends Pick<TokenHolderOptions, "tokens"> {
  readonly mint: Pick<TokenMint, "formOf">;
  readonly adminToken: string | null;
  /** Null where JSON Web Tokens are not taken. */
  readonly jwt?: JwtVerifier | null;
  /** Monotonic milliseconds. */
  readonly clock?: () => number;
}

export function createBearers({ tokens, mint, adminToken, jwt = null, clock = () => performance.now() }: BearersOptions): Bearers {
  const admin: Caller = { kind: "admin", id: "admin", name: "ADMIN_TOKEN", scopes: ["admin"], reach: null };
  const adminHashes = adminToken === null ? [] : spellings(adminToken).map((spelling) => Buffer.from(hashToken(spelling)));
  const known = new KnownCallers();
  const holders = openTokenHolders({ tokens, known, clock });

  async function jwtHolder(header: string, token: string, verifier: JwtVerifier): Promise<Caller> {
    const from = clock();
    try {
      const { caller, expiresAt } = await verifier.verify(token, known.wasValid(header));
      return known.remember(header, caller, { from, forMs: JWT_KNOWN_FOR_MS, expiresAt });
    } catch (error) {
      known.forget(header);
      throw error;
    }
  }

  function look(header: string): Caller | Promise<Caller> {
    const token = tokenIn(header);
    if (adminHashes.length > 0 && isOneOf(adminHashes, Buffer.from(hashToken(token)))) {
      return known.remember(header, admin, { from: 0, forMs: Number.POSITIVE_INFINITY, expiresAt: null });
    }
    const form = mint.formOf(token);
    if (form === "tagged" || form === "untagged") return holders.holderOf(header, token, form);
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
      const header = credentialOf(headers);
      const now = clock();
      const found = known.at(header, now);
      if (found === null) return look(header);
      if (now >= found.renewAt) void renew(header, found);
      return found.caller;
    },
    wasValid: (headers) => known.wasValid(credentialOf(headers)),
    madeHere(headers) {
      const token = BEARER.exec(headers.get("authorization") ?? "")?.[1];
      return token === undefined || mint.formOf(token) !== "tagged" ? null : hashToken(token);
    },
    tokenChanged: (tokenId) => holders.changed(tokenId),
    stop: () => holders.stop(),
  };
}

const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** One text for a token, however it was spelled: nobody fills a node's memory of callers with one token. */
function credentialOf(headers: Headers): string {
  const header = headers.get("authorization") ?? "";
  if (header.startsWith("Bearer ") && header[7] !== " ") return header;
  const token = BEARER.exec(header)?.[1];
  return token === undefined ? header : `Bearer ${token}`;
}

const BEARER = /^bearer +(.+)$/i;

function tokenIn(header: string): string {
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) throw unauthorized("Send a token as `Authorization: Bearer …`; /swagger shows how.");
  return token;
}

/** Compares with all of them, in the same time whichever it is. */
function isOneOf(hashes: readonly Buffer[], hash: Buffer): boolean {
  return hashes.map((each) => timingSafeEqual(hash, each)).includes(true);
}

/** How a text can stand in a header as we read it, byte by byte: as it is, or, where it is not ASCII, as the bytes of its UTF-8. */
function spellings(text: string): string[] {
  return [...new Set([text, Buffer.from(text).toString("latin1")])];
}
