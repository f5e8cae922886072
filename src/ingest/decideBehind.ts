import type { StreamMessage } from "../jetstream/ports";
import type { IngestStore, PartitionPosition } from "../store/store";
import { Batch, type BatchMeans, type BatchRules, type DecidedBatch, findRepeats, type ParsedReport } from "./decideBatch";

/** A batch that is on its way in: what the store does not know of yet. */
export interface BatchBefore {
  readonly to: PartitionPosition;
  readonly rows: DecidedBatch["rows"];
}

/**
 * What {@link decideBatch} comes to behind a batch that was decided and settled, and is not in yet. Null where only a store that has that one could tell
 * what it comes to: at a tick, and for sensors that register themselves.
 */
export async function decideBehind(
  messages: readonly StreamMessage[],
  before: BatchBefore,
  means: Omit<BatchMeans, "rules"> & { readonly rules: Omit<BatchRules, "registrationsLeft"> },
): Promise<DecidedBatch | null> {
  const rules = { ...means.rules, registrationsLeft: 0 };
  const batch = new Batch(before.to, { ...means, rules, catalogue: await means.cache.catalogue() });
  const reports: ParsedReport[] = [];
  for (const item of batch.parse(messages)) {
    if (item.kind === "tick") return null;
    reports.push(item);
  }
  // Memory forgets, and of these the store would tell how they were.
  if (batch.hasStrangersAmong(before.rows.states)) return null;
  await batch.meetStrangers();
  if (reports.some(({ sensor }) => sensor.sensor === null)) return null;
  await findRepeats(reports, storeBehind(means.store, before));
  for (const report of reports) batch.decideReport(report);
  return batch.finish(messages);
}

/** The log, with the reports of a batch that is not in yet. */
function storeBehind(store: BatchMeans["store"], { rows }: BatchBefore): Pick<IngestStore, "knownReports"> {
  return {
    async knownReports(keys, since) {
      const found = await store.knownReports(keys, since);
      const asked = new Map(keys.map(({ sensorId, reportId }, index) => [`${sensorId}/${reportId}`, index]));
      for (const { sensorId, report, receivedAt, disposition } of rows.reports) {
        const index = report.id === null || disposition === "duplicate" ? undefined : asked.get(`${sensorId}/${report.id}`);
        if (index !== undefined) found[index] = Math.max(found[index] ?? 0, receivedAt);
      }
      return found;
    },
  };
}
