/**
 * Guessing tokens is slow: each address may be wrong so often, and is then told to wait before anything is looked up.
 *
 * Behind one address there may be many who are right (NAT). Whoever showed a token here that was valid when it was last looked up goes on as
 * if nothing were, however often others fail. A token whose tag says that it was made here is no guess: it is counted by itself, so that it is
 * let in at once, and who holds one that was revoked makes only himself wait. All else that this node does not know waits for its turn.
 * What counts is looked at before a look-up and charged after it, so that many who are right may come at once for the first time. Guesses that
 * are made at once are all charged, on credit: over time there is one for each that comes back.
 */
import type { BucketRule } from "../../domain/bucket";
import type { Bearers, Caller } from "./bearers";
import type { Buckets } from "../ports";
import { Refusal } from "../problems";
import { retryAfterSeconds } from "../gate/rates";

/** So many wrong tokens may come from an address at once … */
const WRONG_TOKENS_MAX = 10;
/** … and then one in so long. */
const WRONG_TOKEN_SECONDS = 6;
export const WRONG_TOKENS: BucketRule = { name: "wrong-tokens", perSecond: 1 / WRONG_TOKEN_SECONDS, burst: WRONG_TOKENS_MAX };

export interface Tries {
  /** As {@link Bearers.callerOf}; besides, a {@link Refusal} (429) for a token that is new here, when too many were wrong that count with it. */
  callerOf(headers: Headers, network: string): Caller | Promise<Caller>;
}

export interface TriesOptions {
  readonly bearers: Pick<Bearers, "callerOf" | "wasValid" | "madeHere">;
  readonly buckets: Buckets;
  readonly rule: BucketRule;
}

export function createTries({ bearers, buckets, rule }: TriesOptions): Tries {
  async function tried(headers: Headers, network: string): Promise<Caller> {
    const counted = countedBy(headers, network);
    const taken = await buckets.look(rule, counted.key);
    if (!taken.allowed) {
      const seconds = retryAfterSeconds(taken);
      const detail = `${counted.why}: come again in ${seconds} s.`;
      throw new Refusal(429, detail, { headers: { "retry-after": String(seconds) }, limit: rule.name });
    }
    return judged(() => bearers.callerOf(headers), counted);
  }

  function countedBy(headers: Headers, network: string): Counted {
    const hash = bearers.madeHere(headers);
    if (hash === null) return { key: network, why: "Too many wrong tokens came from this address" };
    return { key: `token:${hash}`, why: "This token was refused too often" };
  }

  async function judged(look: () => Caller | Promise<Caller>, { key }: Counted): Promise<Caller> {
    try {
      return await look();
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) await buckets.charge(rule, key, 1);
      throw error;
    }
  }

  return {
    callerOf(headers, network) {
      // Who shows nothing guesses nothing.
      if (!headers.has("authorization")) return bearers.callerOf(headers);
      if (!bearers.wasValid(headers)) return tried(headers, network);
      const answer = bearers.callerOf(headers);
      return answer instanceof Promise ? judged(() => answer, countedBy(headers, network)) : answer;
    },
  };
}

/** What a wrong token is charged to. */
interface Counted {
  readonly key: string;
  /** Said to who has to wait. */
  readonly why: string;
}
