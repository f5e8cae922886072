import { Fault } from "../domain/fault";
import type { SensorAt, SensorReadStore } from "../store/store";
import type { Vouched } from "./ports";

/** Sensors that one statement reads, and statements that run at once; what comes meanwhile goes with the next. */
const IDS_AT_ONCE_MAX = 100;
const READS_AT_ONCE_MAX = 4;
const WAITING_MAX = 20_000;

export interface Read {
  /** Null for a sensor that nobody ever registered; a tombstone is told to be one. */
  readonly found: SensorAt | null;
  readonly vouched: Vouched;
}

type Waiting = PromiseWithResolvers<Read>;

/** Reads from the database, many at once in one statement. No answer is older than its question: who asks while a statement runs waits for another. */
export class DatabaseReads {
  #waiting = new Map<string, Waiting>();
  #running = 0;
  #started = false;

  constructor(
    private readonly store: SensorReadStore,
    private readonly onRead: (vouched: Vouched) => void,
  ) {}

  /** Throws `Fault` (unavailable), also when too many wait. */
  read(id: string): Promise<Read> {
    let waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      if (this.#waiting.size >= WAITING_MAX)
        throw new Fault("unavailable", `${WAITING_MAX} sensors are already waiting to be read; try again in a moment`);
      waiting = Promise.withResolvers();
      this.#waiting.set(id, waiting);
      this.#startSoon();
    }
    return waiting.promise;
  }

  /** After what else comes in this turn. */
  #startSoon(): void {
    if (this.#started) return;
    this.#started = true;
    queueMicrotask(() => {
      this.#started = false;
      while (this.#waiting.size > 0 && this.#running < READS_AT_ONCE_MAX) void this.#run();
    });
  }

  async #run(): Promise<void> {
    const taken = [...this.#waiting].slice(0, IDS_AT_ONCE_MAX);
    for (const [id] of taken) this.#waiting.delete(id);
    this.#running += 1;
    try {
      const askedAt = performance.now();
      const { readAt, sensors } = await this.store.sensorsAt(taken.map(([id]) => id));
      const vouched = { at: readAt, askedAt };
      this.onRead(vouched);
      const byId = new Map(sensors.map((each) => [each.sensor.id, each]));
      for (const [id, waiting] of taken) waiting.resolve({ found: byId.get(id) ?? null, vouched });
    } catch (error) {
      for (const [, waiting] of taken) waiting.reject(error);
    } finally {
      this.#running -= 1;
      if (this.#waiting.size > 0) this.#startSoon();
    }
  }
}
