/** Deliveries are kept by their ordinals alone: a time is found among them by halving what is left. */
import type { TimeRange } from "./store";

/**
 * Ordinals follow `plannedAt` but for as much as a clock was set, or a commit took: so much more is looked at on either side, and what is
 * found is compared by its own time.
 */
const CLOCK_STEP_MS = 60_000;

export interface Planned {
  readonly ordinal: number;
  readonly plannedAt: number;
}

/** Bounds, both exclusive. */
export interface Ordinals {
  readonly after: number;
  readonly before: number;
}

export const ALL_ORDINALS: Ordinals = { after: 0, before: Number.MAX_SAFE_INTEGER };

/** Asks for the first delivery at or after an ordinal, and is told of it; undefined when there is none. */
export type OrdinalSearch = Generator<number, Ordinals, Planned | undefined>;

/** Between which ordinals everything lies that was planned in a range. `last`: the greatest ordinal that there is, 0 for none. */
export function* ordinalsWithin({ since, until }: TimeRange, last: number): OrdinalSearch {
  const from = since === undefined ? 1 : yield* firstPlanned(since - CLOCK_STEP_MS, last);
  const before = until === undefined ? ALL_ORDINALS.before : yield* firstPlanned(until + CLOCK_STEP_MS, last);
  return { after: from - 1, before };
}

function* firstPlanned(time: number, last: number): Generator<number, number, Planned | undefined> {
  let low = 1;
  let high = last + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found: Planned | undefined = yield middle;
    if (found === undefined || found.plannedAt >= time) high = middle;
    else low = found.ordinal + 1;
  }
  return high;
}
