const LOOK_MS = 10;

/** Measures for how long something that is counted stood still. */
export class Pauses implements Disposable {
  readonly #longest = new Map<string, number>();
  readonly #timer: Timer;
  #ended = false;

  constructor(counts: Readonly<Record<"acknowledged" | "arrivals", () => number>>) {
    const seen = Object.entries(counts).map(([name, count]) => ({ name, count, value: count(), since: performance.now() }));
    this.#timer = setInterval(() => {
      const now = performance.now();
      for (const one of seen) {
        const value = one.count();
        this.#longest.set(one.name, Math.max(now - one.since, this.#longest.get(one.name) ?? 0));
        if (value === one.value) continue;
        one.value = value;
        one.since = now;
      }
    }, LOOK_MS);
  }

  /** From here on a standstill is meant. */
  end(): void {
    this.#ended = true;
    clearInterval(this.#timer);
  }

  longest(): { acknowledgementPauseMs: number; arrivalPauseMs: number } {
    return { acknowledgementPauseMs: this.#longest.get("acknowledged") ?? 0, arrivalPauseMs: this.#longest.get("arrivals") ?? 0 };
  }

  [Symbol.dispose](): void {
    if (!this.#ended) this.end();
  }
}
