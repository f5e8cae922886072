import { hashToken } from "../../src/domain/token";
import { type Bearers, type BearersOptions, createBearers } from "../../src/http/who/bearers";
import { openStore } from "../../src/store/open";
import type { Store, TokenDraft } from "../../src/store/store";
import { openTokenMint, type TokenMint } from "../../src/tokenMint";
import { temporaryFolder } from "../store/sqlite/harness";
import { untaggedToken } from "./untaggedToken";

/** Who asks, with a real store whose statements are counted, and can be held. */
export interface Watched {
  readonly store: Store;
  readonly bearers: Bearers;
  readonly mint: TokenMint;
  /** How many hashes each statement asked for. */
  readonly asked: number[];
  /** The monotonic clock's milliseconds. */
  now: number;
  /** What every statement waits for, before it looks. */
  hold: Promise<void>;
  /** And after it has looked. */
  holdAnswer: Promise<void>;
  readonly make: (edit?: Partial<TokenDraft>) => Promise<{ id: string; headers: Headers }>;
}

export async function watched(body: (seen: Watched) => Promise<void>, options: Partial<BearersOptions> = {}): Promise<void> {
  using folder = temporaryFolder();
  const store = await openStore({ kind: "sqlite", file: folder.file });
  const tokens: BearersOptions["tokens"] = {
    touchToken: (id, usedAt) => store.touchToken(id, usedAt),
    async findTokens(hashes) {
      seen.asked.push(hashes.length);
      await seen.hold;
      const found = await store.findTokens(hashes);
      await seen.holdAnswer;
      return found;
    },
  };
  const mint = await openTokenMint(store);
  const bearers = createBearers({ tokens, mint, adminToken: null, clock: () => seen.now, ...options });
  const seen: Watched = {
    store,
    bearers,
    mint,
    asked: [],
    now: 5000,
    hold: Promise.resolve(),
    holdAnswer: Promise.resolve(),
    async make(edit = {}) {
      const token = untaggedToken();
      const id = edit.id ?? `tok_${crypto.randomUUID()}`;
      await store.createToken({ id, name: id, hash: hashToken(token), scopes: ["sensors:read"], expiresAt: null, ...edit });
      bearers.tokenChanged(id);
      return { id, headers: withToken(token) };
    },
  };
  try {
    await body(seen);
  } finally {
    await bearers.stop();
    await store.close();
  }
}

export function withToken(token: string): Headers {
  return new Headers({ authorization: `Bearer ${token}` });
}

export async function outcome(bearers: Bearers, headers: Headers): Promise<string> {
  try {
    return (await bearers.callerOf(headers)).id;
  } catch (error) {
    return String((error as { status?: number; kind?: string }).status ?? (error as { kind?: string }).kind);
  }
}
