import type { Given } from "./rateScripts";

/** A node asks for the moments of so long a time at once, as they lie at the whole rate; for one at least. */
const MOMENTS_MS_MAX = 100;
/** An attempt may start so much before its moment: as fine as timers are. */
const EARLY_MS = 10;
/** … and so much behind it; where moments lie far apart, half of what lies between them. Then it is given up. */
const LATE_MS_MAX = 100;

/** What a node was given of a webhook's moments. Times are of its own clock unless they say otherwise. */
export interface Moments {
  readonly perSecond: number;
  left: number;
  nextAt: number;
  eachMs: number;
  lateMs: number;
  /** How many were asked for last, how many of them were used, and when the last one was. */
  asked: number;
  used: number;
  usedAt: number;
  /** By Redis's clock: where what was given last ends. */
  endUs: number;
  /** Redis is being asked. */
  asking: boolean;
  /** It is not asked again before that. */
  askAgainAt: number;
}

export function noMoments(perSecond: number): Moments {
  const never = Number.NEGATIVE_INFINITY;
  const nothing = { left: 0, nextAt: 0, eachMs: 0, lateMs: 0, asked: 1, used: 0, usedAt: never, endUs: 0 };
  return { perSecond, ...nothing, asking: false, askAgainAt: never };
}

/** The most that are asked for at once. */
export function wantedMax(perSecond: number): number {
  return Math.max(1, Math.floor((perSecond * MOMENTS_MS_MAX) / 1000));
}

/** How many are asked for next: twice as many as last time where all were used, else as many as were; one after a pause. */
export function wanted({ perSecond, asked, used, usedAt }: Moments, now: number): number {
  if (now - usedAt >= MOMENTS_MS_MAX) return 1;
  return Math.min(wantedMax(perSecond), used === asked ? 2 * asked : Math.max(1, used));
}

/** Redis counted from some time after `askedAt` and before `now`: the later one is believed where it says from when, the earlier one until when. */
export function keepMoments(
  moments: Moments,
  given: Given,
  { count, askedAt, now }: { count: number; askedAt: number; now: number },
): void {
  const lateMs = Math.max(LATE_MS_MAX, 1000 / moments.perSecond / 2) - (now - askedAt);
  Object.assign(moments, { left: count, nextAt: now + given.startsInMs, eachMs: given.eachMs, lateMs, asked: count, used: 0 });
}

/** When an attempt may start; null when there is no moment for it. Gives up those that are over. */
export function usableAt(moments: Moments, now: number): number | null {
  while (moments.left > 0 && moments.nextAt + moments.lateMs < now) {
    moments.left -= 1;
    moments.nextAt += moments.eachMs;
  }
  return moments.left > 0 ? moments.nextAt - EARLY_MS : null;
}

export function useOne(moments: Moments, now: number): void {
  moments.left -= 1;
  moments.nextAt += moments.eachMs;
  moments.used += 1;
  moments.usedAt = now;
}
