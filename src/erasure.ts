import type { ErasureStore } from "./store/store";
import type { Events } from "./telemetry/events";

const EVERY_MS = 5000;
const ROWS_AT_ONCE = 2000;
/** What waits for whoever publishes, plans or delivers it is looked at, and passed by; so many sensors in a row at a time. */
const WAITING_PASSED_MAX = 100;

export interface ErasureOptions {
  readonly store: ErasureStore;
  readonly events: Pick<Events, "rowsPruned" | "failed">;
  readonly everyMs?: number;
}

/** Takes the history of sensors that were deleted with it out of the store, a slice at a time, so that nobody waits for it. */
export function openErasure({ store, events, everyMs = EVERY_MS }: ErasureOptions) {
  let stopped = false;
  let running = Promise.resolve();
  let after = "";
  const timer = setInterval(() => {
    running = running.then(round);
  }, everyMs);

  async function round(): Promise<void> {
    const total = new Map<string, number>();
    try {
      await eraseUntilOthersAreWaitedFor(total);
    } catch (error) {
      events.failed("erasure", error);
    }
    for (const [table, count] of total) if (count > 0) events.rowsPruned(table, count);
  }

  /** Goes on where the last round ended, so that those who wait do not keep the others from their turn. */
  async function eraseUntilOthersAreWaitedFor(total: Map<string, number>): Promise<void> {
    for (let passed = 0; passed < WAITING_PASSED_MAX && !stopped;) {
      const slice = await store.eraseHistory(after, ROWS_AT_ONCE);
      if (slice === null) {
        after = "";
        return;
      }
      const { sensorId, rows, finished, goesOn } = slice;
      for (const [table, count] of Object.entries(rows)) total.set(table, (total.get(table) ?? 0) + count);
      const taken = Object.values(rows).some((count) => count > 0);
      const waits = !finished && !taken && !goesOn;
      if (finished || waits) after = sensorId;
      if (waits) passed += 1;
      await Bun.sleep(1);
    }
  }

  return {
    async stop(): Promise<void> {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
