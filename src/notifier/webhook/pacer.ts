/** An attempt may come so much early: as fine as timers are, so that a high rate is reached, and still an even one. */
const EARLY_MS = 10;

/** Spaces attempts evenly (the generic cell rate algorithm, ITU-T I.371, with a tolerance of {@link EARLY_MS}). */
export class Pacer {
  /** When the next one would come if they were spaced exactly. */
  #nextAt = 0;

  /** Epoch milliseconds from which another may start. */
  get freeAt(): number {
    return this.#nextAt - EARLY_MS;
  }

  /** One starts; `perSecond` as it is now. */
  take(perSecond: number, now: number): void {
    this.#nextAt = Math.max(this.#nextAt, now) + 1000 / perSecond;
  }
}
