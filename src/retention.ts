import type { Config } from "./config";
import { IDEMPOTENCY_KEEP_MS } from "./http/gate/idempotency";
import type { AuditStore, IdempotencyStore, MaintenanceStore } from "./store/store";
import type { Events } from "./telemetry/events";

const EVERY_MS = 10 * 60_000;
const ROWS_AT_ONCE = 2000;
const DAY_MS = 24 * 3600 * 1000;

/** Takes what is older than its `*_KEEP_DAYS` out of the store, a slice at a time, so that nobody waits for it. */
export function openRetention({
  store,
  keep,
  events,
}: {
  store: MaintenanceStore & Pick<IdempotencyStore, "pruneIdempotent"> & Pick<AuditStore, "pruneAudit">;
  keep: Config["keep"];
  events: Events;
}) {
  let stopped = false;
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(prune);
  }, EVERY_MS);

  async function prune(): Promise<void> {
    const now = Date.now();
    const before = {
      // Whole days (UTC) of reports: where they are kept by days, a day goes at once, and one that was cut would have to go row by row.
      reports: Math.floor(now / DAY_MS - keep.reportsDays) * DAY_MS,
      changes: now - keep.changesDays * DAY_MS,
      deliveries: now - keep.deliveriesDays * DAY_MS,
      deadLetters: now - keep.deadLettersDays * DAY_MS,
    };
    const total = new Map<string, number>();
    try {
      for (let full = true; full && !stopped;) {
        full = false;
        const idempotency = await store.pruneIdempotent(now - IDEMPOTENCY_KEEP_MS, ROWS_AT_ONCE);
        const audit = await store.pruneAudit(now - keep.auditDays * DAY_MS, ROWS_AT_ONCE);
        for (const [table, count] of Object.entries({ ...(await store.prune(before, ROWS_AT_ONCE)), idempotency, audit })) {
          total.set(table, (total.get(table) ?? 0) + count);
          full ||= count >= ROWS_AT_ONCE;
        }
        await Bun.sleep(1);
      }
    } catch (error) {
      events.failed("retention", error);
    }
    for (const [table, count] of total) if (count > 0) events.rowsPruned(table, count);
  }

  return {
    async stop(): Promise<void> {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
