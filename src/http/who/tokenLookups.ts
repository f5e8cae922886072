/** How tokens are looked up in the store: together, so that who floods us with made-up ones costs one statement at a time. */
import { LRUCache } from "lru-cache";
import { Fault } from "../../domain/fault";
import type { TokenRecord, TokenStore } from "../../store/store";

/** In one statement. */
const TOGETHER_MAX = 500;
/** Statements at once: for tokens that were made here or were valid lately, and for those that nobody knows. */
const KNOWN_AT_ONCE = 4;
const STRANGE_AT_ONCE = 1;
const WAITING_MAX = 10_000;
const ABSENT_MAX = 10_000;

export interface Looked {
  /** Null when there is none. */
  readonly record: TokenRecord | null;
  /** By the clock: what was edited later may be missing. */
  readonly beganAt: number;
}

export interface TokenLookups {
  /** `isOurs`: made here, or valid before; those are never kept waiting by what may be made up. Throws `Fault` (unavailable), too, when too many wait. */
  find(hash: string, isOurs: boolean): Promise<Looked>;
  /** Tokens were edited here: what was looked up before counts no more. */
  forget(): void;
}

type FindTokens = TokenStore["findTokens"];

interface LookupOptions {
  /** So long it is remembered that there is no such token. */
  readonly absentForMs: number;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
}

export function createTokenLookups(findTokens: FindTokens, { absentForMs, clock }: LookupOptions): TokenLookups {
  const known = openLane(findTokens, { atOnce: KNOWN_AT_ONCE, clock });
  const strange = openLane(findTokens, { atOnce: STRANGE_AT_ONCE, clock });
  const absent = new LRUCache<string, Looked>({ max: ABSENT_MAX });
  let edits = 0;

  async function lookUp(hash: string, lane: Lane): Promise<Looked> {
    const before = edits;
    const looked = await lane.find(hash);
    if (looked.record === null && edits === before) absent.set(hash, looked);
    return looked;
  }

  return {
    async find(hash, isOurs) {
      const missed = absent.get(hash);
      if (missed !== undefined && clock() - missed.beganAt < absentForMs) return missed;
      return lookUp(hash, isOurs ? known : strange);
    },
    forget() {
      edits += 1;
      absent.clear();
      known.part();
      strange.part();
    },
  };
}

interface Lane {
  find(hash: string): Promise<Looked>;
  /** Whoever asks from now on joins no statement that runs. */
  part(): void;
}

/** What comes while `atOnce` statements run waits, and goes together in the next. */
function openLane(findTokens: FindTokens, { atOnce, clock }: { readonly atOnce: number; readonly clock: () => number }): Lane {
  const waiting = new Map<string, PromiseWithResolvers<Looked>>();
  let flying = new Map<string, Promise<Looked>>();
  let running = 0;

  async function run(): Promise<void> {
    running += 1;
    while (waiting.size > 0) {
      const batch = [...waiting].slice(0, TOGETHER_MAX);
      for (const [hash, { promise }] of batch) {
        waiting.delete(hash);
        flying.set(hash, promise);
      }
      await answer(batch);
      for (const [hash, { promise }] of batch) if (flying.get(hash) === promise) flying.delete(hash);
    }
    running -= 1;
  }

  async function answer(batch: readonly [string, PromiseWithResolvers<Looked>][]): Promise<void> {
    const beganAt = clock();
    try {
      const records = await findTokens(batch.map(([hash]) => hash));
      for (const [index, [, { resolve }]] of batch.entries()) resolve({ record: records[index] ?? null, beganAt });
    } catch (error) {
      for (const [, { reject }] of batch) reject(error);
    }
  }

  return {
    find(hash) {
      const joined = flying.get(hash) ?? waiting.get(hash)?.promise;
      if (joined !== undefined) return joined;
      if (waiting.size >= WAITING_MAX) throw new Fault("unavailable", "Too many tokens are being looked up; try again in a moment.");
      const asked = Promise.withResolvers<Looked>();
      waiting.set(hash, asked);
      if (running < atOnce) void run();
      return asked.promise;
    },
    part() {
      flying = new Map();
    },
  };
}
