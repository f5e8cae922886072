/** Token buckets, kept as one number each: when the bucket is full again (the generic cell rate algorithm, ITU-T I.371). */

/** A token bucket: `burst` at once, refilled at `perSecond`. */
export interface BucketRule {
  /** Part of the bucket's key and of its `RateLimit-Policy`. */
  readonly name: string;
  readonly perSecond: number;
  readonly burst: number;
}

/** What came of wanting one. */
export interface Taken {
  readonly allowed: boolean;
  /** Whole ones that are left. */
  readonly remaining: number;
  /** Until the bucket is full again. */
  readonly resetMs: number;
  /** Until one would be there; 0 when it was. */
  readonly retryAfterMs: number;
}

/** Whoever is charged more than there is owes it; what is owed beyond this long a wait is forgiven. */
export const DEBT_MS_MAX = 60_000;

/** Sums of fractions come out a little short. */
const ROUNDING = 1e-6;

/** What a bucket that is full at `fullAt` holds at `now`; below 0 when something is owed. */
function levelAt(fullAt: number, { perSecond, burst }: BucketRule, now: number): number {
  return burst - (Math.max(0, fullAt - now) * perSecond) / 1000;
}

/** When a bucket is full that is charged `cost`, whether it is there or not. */
export function charged(fullAt: number, rule: BucketRule, cost: number, now: number): number {
  const latest = now + (rule.burst * 1000) / rule.perSecond + DEBT_MS_MAX;
  return Math.min(latest, Math.max(fullAt, now) + (cost * 1000) / rule.perSecond);
}

/** Until what a bucket owes is paid. */
export function debtMs(fullAt: number, rule: BucketRule, now: number): number {
  return Math.max(0, (-levelAt(fullAt, rule, now) * 1000) / rule.perSecond);
}

/** What stands in a bucket, as whoever takes (or was refused) one is told. */
export function told(allowed: boolean, fullAt: number, rule: BucketRule, now: number): Taken {
  const level = levelAt(fullAt, rule, now);
  return {
    allowed,
    remaining: Math.max(0, Math.floor(level + ROUNDING)),
    resetMs: Math.max(0, fullAt - now),
    retryAfterMs: allowed ? 0 : Math.max(0, ((1 - level) * 1000) / rule.perSecond),
  };
}

/** Whether a bucket has one. */
export function hasOne(fullAt: number, rule: BucketRule, now: number): boolean {
  return levelAt(fullAt, rule, now) + ROUNDING >= 1;
}
