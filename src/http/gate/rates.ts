/** How often a token, and an address, may ask. */
import type { BucketRule, Taken } from "../../domain/bucket";
import type { RateConfig } from "../../edgeConfig";
import type { Caller } from "../who/bearers";
import type { Buckets } from "../ports";
import { Refusal } from "../problems";

/** Whoever is charged for a large request is made to wait for so long at most, each time. */
export const CHARGE_WAIT_MS_MAX = 10_000;

/** Where a request stands with the limit that it is nearest to. */
export interface Standing {
  readonly rule: BucketRule;
  readonly taken: Taken;
}

export interface Rates {
  /** Null without limits. */
  readonly policy: string | null;
  /** What is left of an address' bucket after this request; null without a limit. */
  ofAddress(network: string): Standing | Promise<Standing> | null;
  ofCaller(caller: Caller): Standing | Promise<Standing> | null;
  /** Takes `cost` more out of the caller's bucket, and waits until it is there. */
  charge(caller: Caller | null, cost: number): Promise<void>;
}

export interface RatesOptions {
  readonly buckets: Buckets;
  /** Null for no limit. */
  readonly perToken: RateConfig | null;
  readonly perAddress: RateConfig | null;
}

export function createRates({ buckets, perToken, perAddress }: RatesOptions): Rates {
  const token = perToken === null ? null : { name: "token", ...perToken };
  const address = perAddress === null ? null : { name: "address", ...perAddress };
  const rules = [token, address].filter((rule) => rule !== null);

  function take(rule: BucketRule, key: string): Standing | Promise<Standing> {
    const taken = buckets.take(rule, key);
    return taken instanceof Promise ? taken.then((later) => ({ rule, taken: later })) : { rule, taken };
  }

  return {
    policy: rules.length === 0 ? null : rules.map(policyOf).join(", "),
    ofAddress: (network) => (address === null ? null : take(address, network)),
    ofCaller: (caller) => (token === null ? null : take(token, callerKey(caller))),
    async charge(caller, cost) {
      if (token === null || caller === null) return;
      const owedMs = await buckets.charge(token, callerKey(caller), cost);
      if (owedMs > 0) await Bun.sleep(Math.min(owedMs, CHARGE_WAIT_MS_MAX));
    },
  };
}

/** What one caller is counted by. */
export function callerKey({ kind, id }: Caller): string {
  return `${kind}:${id}`;
}

/** Of two the one that is nearer its end. */
export function nearer(before: Standing | null, after: Standing): Standing {
  return before !== null && before.taken.remaining < after.taken.remaining ? before : after;
}

/** Throws a 429 at the end. */
export function demandRoom({ rule: { name, perSecond }, taken }: Standing): void {
  if (taken.allowed) return;
  const seconds = retryAfterSeconds(taken);
  const detail = `More than ${perSecond} requests a second ${WHOSE[name] ?? "from here"}: try again in ${seconds} s.`;
  throw new Refusal(429, detail, { headers: { "retry-after": String(seconds) }, limit: name });
}

const WHOSE: Readonly<Record<string, string>> = { token: "with this token", address: "from this address" };

export function retryAfterSeconds({ retryAfterMs }: Taken): number {
  return Math.max(1, Math.ceil(retryAfterMs / 1000));
}

/** draft-ietf-httpapi-ratelimit-headers-10: `q` at once, and `w` seconds in which as many come back. */
function policyOf({ name, perSecond, burst }: BucketRule): string {
  return `"${name}";q=${burst};w=${Math.max(1, Math.ceil(burst / perSecond))}`;
}

/** The same draft: `r` are left, and after `t` seconds all of them are there. */
export function limitOf({ rule, taken }: Standing): string {
  return `"${rule.name}";r=${taken.remaining};t=${Math.ceil(taken.resetMs / 1000)}`;
}
