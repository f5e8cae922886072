/**
 * Guessing tokens is slow: each address may be wrong so often, and is then told to wait before anything is looked up.
 *
 * Behind one address there may be many who are right (NAT). Whoever showed a token here that was valid when it was last looked up goes on as
 * if nothing were, however often others fail; only a token that this node does not know, or has forgotten, has to wait for its turn.
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
  /** As {@link Bearers.callerOf}; besides, a {@link Refusal} (429) for a token that is new here from where too many were wrong. */
  callerOf(headers: Headers, network: string): Caller | Promise<Caller>;
}

export interface TriesOptions {
  readonly bearers: Pick<Bearers, "callerOf" | "wasValid">;
  readonly buckets: Buckets;
  readonly rule: BucketRule;
}

export function createTries({ bearers, buckets, rule }: TriesOptions): Tries {
  async function tried(headers: Headers, network: string): Promise<Caller> {
    const taken = await buckets.look(rule, network);
    if (!taken.allowed) {
      const seconds = retryAfterSeconds(taken);
      const detail = `Too many wrong tokens came from this address: come again in ${seconds} s.`;
      throw new Refusal(429, detail, { headers: { "retry-after": String(seconds) }, limit: rule.name });
    }
    return judged(() => bearers.callerOf(headers), network);
  }

  async function judged(look: () => Caller | Promise<Caller>, network: string): Promise<Caller> {
    try {
      return await look();
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) await buckets.charge(rule, network, 1);
      throw error;
    }
  }

  return {
    callerOf(headers, network) {
      // Who shows nothing guesses nothing.
      if (!headers.has("authorization")) return bearers.callerOf(headers);
      if (!bearers.wasValid(headers)) return tried(headers, network);
      const answer = bearers.callerOf(headers);
      return answer instanceof Promise ? judged(() => answer, network) : answer;
    },
  };
}
