/** Failures and successes are counted once in so long: many that ask at once say no more than one. */
const COUNTED_EVERY_MS = 50;
const FAILURES_MAX = 3;
/** A failure weighs as much as four successes. */
const SUCCESS = 1 / 4;

/** Tells a failure or two from a state that lasts: nothing succeeds, or so little that it is no use. */
export class Failing {
  #score = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #succeededAt = Number.NEGATIVE_INFINITY;

  succeeded(now: number): void {
    if (now - this.#succeededAt < COUNTED_EVERY_MS) return;
    this.#succeededAt = now;
    this.#score = Math.max(0, this.#score - SUCCESS);
  }

  /** Whether it lasts. */
  failed(now: number): boolean {
    if (now - this.#failedAt >= COUNTED_EVERY_MS) this.#score += 1;
    this.#failedAt = now;
    return this.#score >= FAILURES_MAX;
  }

  forget(): void {
    this.#score = 0;
  }
}
