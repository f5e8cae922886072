/** After so many failures in a row nobody asks any more, but for one each time that this long has passed. */
const FAILURES_MAX = 3;
const REST_MS = 1000;

/** Keeps requests from waiting, one after the other, for something that does not answer. */
export class Circuit {
  #failures = 0;
  #restsUntil = -Infinity;

  constructor(private readonly onFailure: () => void) {}

  get isOpen(): boolean {
    return this.#failures >= FAILURES_MAX && performance.now() < this.#restsUntil;
  }

  /** What `act` gives, or null when it was not tried, or failed. */
  async try<Result>(act: () => Promise<Result>): Promise<Result | null> {
    if (this.isOpen) return null;
    // Who tries it now keeps the others from trying until that one has an answer.
    if (this.#failures >= FAILURES_MAX) this.#restsUntil = performance.now() + REST_MS;
    try {
      const result = await act();
      this.#failures = 0;
      return result;
    } catch {
      this.#failures += 1;
      if (this.#failures >= FAILURES_MAX) this.#restsUntil = performance.now() + REST_MS;
      this.onFailure();
      return null;
    }
  }
}
