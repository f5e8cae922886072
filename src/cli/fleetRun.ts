import { isFault } from "../domain/fault";
import type { PublishAck } from "../jetstream/ports";
import type { FleetPlan, PlannedReport } from "./fleetPlan";
import { Latencies } from "./latencies";

const SLICE_MS = 5;
/** At this many the fleet waits instead of sending more: a broker that is away must not fill our memory. */
const IN_FLIGHT_MAX = 5000;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 1000;
export interface FleetRunOptions {
  readonly plan: FleetPlan;
  /** Reports a second. */
  readonly rate: number;
  readonly seconds: number;
  /** How long the reports that are still out are tried after the last one was sent. */
  readonly patienceMs: number;
  /** Rejects with a `Fault` (unavailable) when there was no acknowledgement. */
  readonly publish: (sensorId: string, payload: Uint8Array) => Promise<PublishAck>;
  /** Whether to send no more, before the seconds are over. */
  readonly isAsked: () => boolean;
}

/** A fleet at work: sends at a steady rate, whatever the answers take, and each report again until it is acknowledged. */
export class FleetRun {
  readonly latencies = new Latencies();
  sent = 0;
  acknowledged = 0;
  /** Times that a report was sent again. */
  retried = 0;
  /** Reports that were given up without an acknowledgement. */
  failed = 0;
  /** The last failure, for the person who wonders. */
  lastReason: string | null = null;
  readonly #startedAt = performance.now();
  #sentSeconds = 0;
  #giveUpAt = Infinity;
  #broken: { readonly error: unknown } | null = null;

  constructor(private readonly options: FleetRunOptions) {}

  get inFlight(): number {
    return this.sent - this.acknowledged - this.failed;
  }

  /** Since the start, until the last report was sent. */
  get seconds(): number {
    return this.#sentSeconds || (performance.now() - this.#startedAt) / 1000;
  }

  /** Resolves once every report is acknowledged or given up. Throws what no repetition can mend. */
  async finish(): Promise<void> {
    await this.#send();
    this.#sentSeconds = (performance.now() - this.#startedAt) / 1000;
    this.#giveUpAt = performance.now() + this.options.patienceMs;
    while (this.inFlight > 0 && this.#broken === null) await Bun.sleep(SLICE_MS);
    if (this.#broken !== null) throw this.#broken.error;
  }

  async #send(): Promise<void> {
    const { plan, rate, seconds, isAsked } = this.options;
    const total = Math.round(rate * seconds);
    for (;;) {
      const elapsed = (performance.now() - this.#startedAt) / 1000;
      const due = elapsed >= seconds ? total : Math.min(total, Math.ceil(elapsed * rate));
      while (this.sent < due && this.inFlight < IN_FLIGHT_MAX) {
        this.sent += 1;
        void this.#deliver(plan.next(Date.now()));
      }
      if (elapsed >= seconds || this.sent === total || isAsked() || this.#broken !== null) return;
      await Bun.sleep(SLICE_MS);
    }
  }

  async #deliver({ sensorId, payload }: PlannedReport): Promise<void> {
    const begunAt = performance.now();
    const bytes = Buffer.from(payload);
    for (let wait = RETRY_MIN_MS; ; wait = Math.min(wait * 2, RETRY_MAX_MS)) {
      if (await this.#isAcknowledged(sensorId, bytes)) {
        this.acknowledged += 1;
        this.latencies.add(performance.now() - begunAt);
        return;
      }
      if (performance.now() + wait > this.#giveUpAt || this.#broken !== null) {
        this.failed += 1;
        return;
      }
      await Bun.sleep(wait);
      this.retried += 1;
    }
  }

  /** `duplicate` says that the broker threw this one away: nothing that it stored is known to be ours. */
  async #isAcknowledged(sensorId: string, bytes: Uint8Array): Promise<boolean> {
    try {
      const { duplicate } = await this.options.publish(sensorId, bytes);
      return !duplicate;
    } catch (error) {
      if (!isFault(error, "unavailable")) this.#broken = { error };
      this.lastReason = error instanceof Error ? error.message : String(error);
      return false;
    }
  }
}
