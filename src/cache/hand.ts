import { type BucketRule, told, type Taken } from "../domain/bucket";
import type { Granted } from "./bucketScript";

/** The largest slice, as a part of what a bucket holds or gives in a second. */
export const SLICE_PART = 1 / 20;
/** After a slice that lasted for less a larger one is asked for. */
const SLICE_LASTS_MS = 100;
/** What was not given out by then is forgotten. */
const HELD_MS = 1000;
/** Who was refused is refused without asking Redis again for so long at most. */
const REFUSED_MS = 1000;

/** What this node has of a bucket that all nodes share. Times are of its own clock. */
export interface Hand {
  tokens: number;
  heldUntil: number;
  filledAt: number;
  slice: number;
  /** What stands in Redis, as it was told last. */
  left: number;
  fullAt: number;
  refusedUntil: number;
  /** Requests that wait for the next slice. */
  waiting: number;
  filling: Promise<void> | null;
}

export function emptyHand(): Hand {
  const never = Number.NEGATIVE_INFINITY;
  return { tokens: 0, heldUntil: never, filledAt: never, slice: 1, left: 0, fullAt: 0, refusedUntil: never, waiting: 0, filling: null };
}

/** How many are asked for next: twice as many as last time, when those did not last; else one. */
export function growSlice(hand: Hand, { perSecond, burst }: BucketRule, now: number): number {
  const max = Math.max(1, Math.floor(Math.min(perSecond, burst) * SLICE_PART));
  hand.slice = now - hand.filledAt < SLICE_LASTS_MS ? Math.min(max, hand.slice * 2) : 1;
  return Math.max(hand.slice, hand.waiting);
}

export function fillHand(hand: Hand, { granted, left, fullInMs }: Granted, now: number): void {
  Object.assign(hand, { tokens: granted, heldUntil: now + HELD_MS, filledAt: now, left, fullAt: now + fullInMs });
}

/** Redis has none: nobody needs to ask it again at once. */
export function refuse(hand: Hand, rule: BucketRule, now: number): void {
  hand.refusedUntil = now + Math.min(REFUSED_MS, Math.max(1, told(false, hand.fullAt, rule, now).retryAfterMs));
}

/** Null when nobody can tell without Redis. */
export function fromHand(hand: Hand, rule: BucketRule, now: number): Taken | null {
  if (hand.tokens < 1 || now >= hand.heldUntil) return refusal(hand, rule, now);
  hand.tokens -= 1;
  return { allowed: true, remaining: hand.left + hand.tokens, resetMs: Math.max(0, hand.fullAt - now), retryAfterMs: 0 };
}

/** Null when it was not refused lately. */
export function refusal({ refusedUntil, fullAt }: Hand, rule: BucketRule, now: number): Taken | null {
  return now < refusedUntil ? { ...told(false, fullAt, rule, now), remaining: 0 } : null;
}
