/** Finer than this, waking would cost more than it brings. */
const TICK_MIN_MS = 5;

/** Rings once for all who asked, when the first of them wanted it. */
export class Alarm {
  #timer: Timer | null = null;
  #ringsAt = Infinity;
  #stopped = false;

  constructor(private readonly ring: () => void) {}

  in(ms: number): void {
    const ringsAt = performance.now() + Math.max(TICK_MIN_MS, ms);
    if (this.#stopped || ringsAt >= this.#ringsAt) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#ringsAt = ringsAt;
    this.#timer = setTimeout(() => {
      this.#ringsAt = Infinity;
      this.ring();
    }, ringsAt - performance.now());
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
