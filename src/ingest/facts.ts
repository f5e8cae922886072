import type { BatchPart } from "../store/store";
import type { BatchFacts } from "../telemetry/events";

/** What is told of a commit. `startedAt`: when its messages were there, monotonic. */
export function factsOf(part: BatchPart, batch: { messages: number; startedAt: number; unknownFields: number }): BatchFacts {
  const dispositions = { applied: 0, unchanged: 0, late: 0, duplicate: 0 };
  for (const report of part.reports) dispositions[report.disposition] += 1;
  const changes = { status: 0, availability: 0 };
  for (const change of part.changes) changes[change.kind] += 1;
  return {
    partition: part.lease.partition,
    messages: batch.messages,
    seconds: (performance.now() - batch.startedAt) / 1000,
    cursor: part.to.cursor,
    dispositions,
    changes,
    deadLetters: part.deadLetters.length,
    unknownFields: batch.unknownFields,
  };
}
