import type { Logger } from "pino";
import type { Metrics } from "./metrics";

/** Whoever writes lies into Redis may write many: one line in so long tells as much. */
const TOLD_EVERY_MS = 10_000;

type ReadOutcome =
  /** The answer was at hand. */
  | "hit"
  /** Nothing was at hand, or somebody else was reading it just then. */
  | "miss"
  /** What was at hand was not believed. */
  | "refused"
  /** Redis is away, or slow: it was not asked, or did not answer. */
  | "bypassed"
  /** A command to Redis failed. */
  | "failed";

/** What the cache of sensors tells. Reads are many: their counters are looked up once. */
export function createCacheEvents(log: Logger, metrics: Metrics, now: () => number) {
  const reads = new Map<ReadOutcome, { inc(): void }>();
  let toldAt = -Infinity;
  return {
    cacheRead(outcome: ReadOutcome): void {
      let counter = reads.get(outcome);
      if (counter === undefined) reads.set(outcome, (counter = metrics.cacheReads.tally({ outcome })));
      counter.inc();
    },
    cacheLied(sensorId: string, kind: "forged" | "odd"): void {
      metrics.cacheLies.inc({ kind });
      if (now() - toldAt < TOLD_EVERY_MS) return;
      toldAt = now();
      log.warn({ "event.action": "cache.lied", sensorId, kind }, "Redis holds what no node of this database wrote; it is not believed");
    },
    cacheDrifted(sensorId: string): void {
      metrics.cacheDrift.inc();
      log.error(
        { "event.action": "cache.drifted", sensorId },
        `the cache differed from the database for sensor ${sensorId}; it was repaired`,
      );
    },
    cacheWrote(outcome: "written" | "dropped" | "failed", states: number): void {
      if (states > 0) metrics.cacheWrites.inc({ outcome }, states);
    },
    cacheEditWaited(): void {
      metrics.cacheEditWaits.inc();
    },
    cacheHolds(entries: number, bytes: number): void {
      metrics.cacheEntries.set(entries);
      metrics.cacheBytes.set(bytes);
    },
  };
}
