import type { IngestStore } from "../store/store";

/** Other nodes register sensors, too. */
const FRESH_MS = 10_000;

interface Count {
  readonly sensors: Promise<number>;
  readonly at: number;
  /** What this node had registered when it began: not more than that is in it for sure. */
  readonly registered: number;
}

/** How many sensors there are, as far as SENSORS_MAX needs to know: counted now and then, and kept up by what this node registers. */
export class SensorCount {
  #count: Count | null = null;
  #registered = 0;

  constructor(private readonly store: Pick<IngestStore, "countSensors">) {}

  async current(): Promise<number> {
    if (this.#count === null || performance.now() - this.#count.at > FRESH_MS) {
      this.#count = { sensors: this.store.countSensors(), at: performance.now(), registered: this.#registered };
    }
    const count = this.#count;
    try {
      return (await count.sensors) + this.#registered - count.registered;
    } catch (error) {
      if (this.#count === count) this.#count = null;
      throw error;
    }
  }

  registered(count: number): void {
    this.#registered += count;
  }

  /** Operators registered or deleted some. */
  edited(): void {
    this.#count = null;
  }
}
