import { type Books, type Finding, groupBy, placeKey } from "./books";
import type { Acknowledgement, LogRow } from "./evidence";

/** Every acknowledged report is in the log exactly once, and the log holds what the stream holds: no message less, none more. */
export function* checkLog(books: Books): Iterable<Finding> {
  yield* checkMessages(books);
  for (const [sensorId, rows] of books.rows) {
    const named = groupBy(
      rows.filter(({ reportId }) => reportId !== null),
      ({ reportId }) => reportId,
    );
    for (const [reportId, copies] of named) {
      const effective = copies.filter(({ disposition }) => disposition !== "duplicate");
      if (effective.length > 1)
        yield { kind: "report.doubled", sensorId, message: `${reportId} took effect at sequences ${sequencesOf(effective)}` };
    }
  }
  for (const [sensorId, acknowledged] of books.acknowledged) {
    const rows = books.rows.get(sensorId) ?? [];
    const named = groupBy(rows, ({ reportId }) => reportId);
    for (const ack of acknowledged) yield* checkAcknowledged(ack, named.get(ack.reportId) ?? []);
  }
}

function* checkAcknowledged(ack: Acknowledgement, copies: readonly LogRow[]): Iterable<Finding> {
  const { sensorId, reportId, sequence } = ack;
  const said = `${reportId}, acknowledged by ${ack.by} at ${new Date(ack.at).toISOString()} as sequence ${sequence}`;
  if (copies.length === 0) {
    yield { kind: "report.lost", sensorId, message: `${said}, is not in the log` };
  } else if (!copies.some(({ disposition }) => disposition !== "duplicate")) {
    yield { kind: "report.lost", sensorId, message: `${said}, stands in the log only as a duplicate` };
  } else if (!copies.some((row) => row.sequence === sequence && row.partition === ack.partition)) {
    yield { kind: "report.misplaced", sensorId, message: `${said}, stands at ${sequencesOf(copies)} instead` };
  }
}

function* checkMessages({ evidence }: Books): Iterable<Finding> {
  const generations = new Map(evidence.partitions.map(({ partition, generation }) => [partition, generation]));
  const current = evidence.log.filter((row) => row.generation === generations.get(row.partition));
  const rows = groupBy(current, (row) => placeKey(row.partition, row.sequence));
  for (const [place, copies] of rows) {
    if (copies.length > 1)
      yield { kind: "message.doubled", sensorId: copies[0]?.sensorId ?? null, message: `${copies.length} rows of message ${place}` };
  }
  const messages = new Map(evidence.messages.map((message) => [placeKey(message.partition, message.sequence), message]));
  const deadLetters = new Set(evidence.deadLetters.map(({ partition, sequence }) => placeKey(partition, sequence)));
  const cursors = new Map(evidence.partitions.map(({ partition, cursor }) => [partition, cursor]));
  for (const [place, { id, partition, sequence }] of messages) {
    if (id.startsWith("$") || deadLetters.has(place)) continue;
    const [row] = rows.get(place) ?? [];
    if (row?.sensorId === id) continue;
    const cursor = cursors.get(partition) ?? 0;
    const where = sequence <= cursor ? `though the cursor stands at ${cursor}` : `and the cursor stands before it, at ${cursor}`;
    const instead = row === undefined ? "has no row" : `has a row of ${row.sensorId}`;
    yield { kind: "message.lost", sensorId: id, message: `message ${place} ${instead}, ${where}` };
  }
  yield* checkFoundations(current, messages);
}

function* checkFoundations(
  rows: readonly LogRow[],
  messages: ReadonlyMap<string, { partition: number; sequence: number }>,
): Iterable<Finding> {
  const first = new Map<number, number>();
  for (const { partition, sequence } of messages.values()) first.set(partition, Math.min(sequence, first.get(partition) ?? sequence));
  for (const { partition, sequence, sensorId } of rows) {
    // What the stream has trimmed cannot be asked for any more.
    if (sequence < (first.get(partition) ?? Infinity) || messages.has(placeKey(partition, sequence))) continue;
    yield { kind: "row.unfounded", sensorId, message: `the stream has no message ${placeKey(partition, sequence)}` };
  }
}

function sequencesOf(rows: readonly LogRow[]): string {
  return rows.map(({ sequence, disposition }) => `${sequence} (${disposition})`).join(", ");
}
