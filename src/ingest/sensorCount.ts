import type { IngestStore } from "../store/store";

/** Other nodes register sensors, too. */
const FRESH_MS = 10_000;

/** How many sensors there are, as far as SENSORS_MAX needs to know: counted now and then, and kept up by what this node registers. */
export class SensorCount {
  #count: Promise<number> | null = null;
  #countedAt = 0;
  #registered = 0;

  constructor(private readonly store: Pick<IngestStore, "countSensors">) {}

  async current(): Promise<number> {
    if (this.#count === null || performance.now() - this.#countedAt > FRESH_MS) this.#count = this.#countAnew();
    return (await this.#count) + this.#registered;
  }

  registered(count: number): void {
    this.#registered += count;
  }

  /** Operators registered or deleted some. */
  edited(): void {
    this.#count = null;
  }

  async #countAnew(): Promise<number> {
    this.#countedAt = performance.now();
    const before = this.#registered;
    try {
      const count = await this.store.countSensors();
      this.#registered -= before;
      return count;
    } catch (error) {
      this.#count = null;
      throw error;
    }
  }
}
