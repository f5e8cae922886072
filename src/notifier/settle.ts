import type { DeliveryStore, DueDelivery, Lease, Settlement } from "../store/store";
import type { Events } from "../telemetry/events";
import { nextTurn } from "../nextTurn";
import { pause } from "../pause";
import type { Turns } from "./turns";

const SETTLED_AT_ONCE_MAX = 500;
/** With so many outcomes that are not yet written nothing more is sent. */
export const UNSETTLED_MAX = 2000;
/**
 * From one write to the next, so that under load outcomes are written together: a commit costs as much as a dozen of them. Longer where a
 * write takes long, its turn included: what many partitions write at once is to be more at a time, not more often.
 */
const SETTLE_EVERY_MS = 10;
const SETTLE_EVERY_MAX_MS = 100;
const REST_SHARE = 3;
const RETRY_MS = 250;

export interface SettlerOptions {
  readonly store: Pick<DeliveryStore, "settle">;
  readonly lease: Lease;
  readonly leaseTtlMs: number;
  /** They are written; `heads` lead their lanes now and are due. */
  readonly onSettled: (settled: readonly Settlement[], heads: readonly DueDelivery[]) => void;
  readonly onLost: () => void;
  readonly turns: Turns;
  readonly events: Events;
}

/** Writes outcomes: at once when nothing is being written, else together with those that came meanwhile. None is lost while the store is away. */
export class Settler {
  #waiting: Settlement[] = [];
  #writing = 0;
  #wroteAt = 0;
  #everyMs = SETTLE_EVERY_MS;
  #lost = false;
  #wake = Promise.withResolvers<void>();
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  constructor(private readonly options: SettlerOptions) {
    this.#running = this.#run();
  }

  get isFull(): boolean {
    return this.#waiting.length + this.#writing >= UNSETTLED_MAX;
  }

  add(settlement: Settlement): void {
    this.#waiting.push(settlement);
    this.#wake.resolve();
  }

  /** Writes what is there. What cannot be written now is sent again after the next start. */
  async stop(): Promise<void> {
    this.#ending.abort();
    this.#wake.resolve();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#lost) {
      if (this.#waiting.length === 0) {
        if (this.#ending.signal.aborted) return;
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
        continue;
      }
      // Outcomes that arrive together are written together.
      await nextTurn();
      const restMs = this.#wroteAt + this.#everyMs - performance.now();
      if (restMs > 0 && this.#waiting.length < SETTLED_AT_ONCE_MAX) await pause(restMs, this.#ending.signal);
      if (!(await this.#writeNext())) return;
    }
  }

  /** Until it is written; false when that is given up. */
  async #writeNext(): Promise<boolean> {
    const { store, lease, leaseTtlMs, turns, events } = this.options;
    let batch: readonly Settlement[] | null = null;
    for (;;) {
      // Looked at before the write, so that one more is tried after the end was asked for.
      const last = this.#ending.signal.aborted;
      const askedAt = performance.now();
      try {
        const { held, heads } = await turns.run(() => store.settle(lease, leaseTtlMs, (batch ??= this.#take())));
        this.#writing = 0;
        this.#everyMs = Math.min(Math.max(SETTLE_EVERY_MS, REST_SHARE * (performance.now() - askedAt)), SETTLE_EVERY_MAX_MS);
        if (held) this.#tell(batch ?? [], heads);
        else this.#lose();
        return held;
      } catch (error) {
        events.settleFailed(lease.partition, error);
        if (last) return false;
        await pause(RETRY_MS, this.#ending.signal);
      }
    }
  }

  #take(): readonly Settlement[] {
    const batch = this.#waiting.splice(0, SETTLED_AT_ONCE_MAX);
    this.#writing = batch.length;
    this.#wroteAt = performance.now();
    return batch;
  }

  #tell(batch: readonly Settlement[], heads: readonly DueDelivery[]): void {
    const ended = { delivered: 0, failed: 0, retry: 0 };
    for (const { verdict } of batch) ended[verdict.kind] += 1;
    this.options.onSettled(batch, heads);
    this.options.events.deliveriesEnded("delivered", ended.delivered);
    this.options.events.deliveriesEnded("failed", ended.failed);
  }

  #lose(): void {
    this.#lost = true;
    this.#waiting = [];
    this.options.onLost();
  }
}
