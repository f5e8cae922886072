import type { Vouched } from "./ports";

/** Clocks run apart by less than a millisecond in this time, and who asks seldom must ask before believing again. */
const BEST_FOR_MS = 10_000;
const KNOWN_FOR_MS = 30_000;

/** What time it is by the database's clock, which all nodes have in common, whatever their own clocks say. */
export class DatabaseClock {
  #ahead = 0;
  #askedAt = -Infinity;

  /** The database told its time; it was asked before. */
  told({ at, askedAt }: Vouched): void {
    const ahead = at - askedAt;
    // The quicker the answer, the less of the way there is in it.
    if (ahead > this.#ahead && askedAt - this.#askedAt < BEST_FOR_MS) return;
    this.#ahead = ahead;
    this.#askedAt = askedAt;
  }

  /** It is not later than this; null when it was not told lately. `now` is this node's monotonic clock. */
  latest(now = performance.now()): number | null {
    return now - this.#askedAt > KNOWN_FOR_MS ? null : this.#ahead + now;
  }
}
