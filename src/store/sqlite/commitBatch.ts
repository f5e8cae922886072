import { numberingFault, refusalOf } from "../partRules";
import type { BatchPart, PartOutcome } from "../store";
import { type BatchRows, prepareBatchRows } from "./batchRows";
import type { Connection } from "./connection";
import { prepareFence } from "./partitions";
import type { IndexedPlace } from "./places/place";
import type { ReportPlaces } from "./places/reportPlaces";

/** One transaction for all parts: a part whose fence refuses it writes nothing, an error takes back everything. */
export function prepareCommitBatch(
  connection: Connection,
  places: Pick<ReportPlaces, "add">,
): (parts: readonly BatchPart[]) => PartOutcome[] {
  const held = prepareFence(connection);
  const rows = prepareBatchRows(connection);
  const move = connection.client.prepare<unknown[]>(
    `update partitions set generation = ?, cursor = ?, cursor_time_ns = ?, received_at = ?, dark_ended_at = ?, change_number = ?,
       published = max(published, ?), recorded_at = ?, lease_until = ?, decided_version = ?
     where role = 'ingest' and partition = ?`,
  );

  function commit(part: BatchPart, now: number): PartOutcome {
    const row = held(part.lease);
    if (row === null) return { kind: "fenced" };
    const refusal = refusalOf(part, row);
    if (refusal !== null) return refusal;
    const recordedAt = Math.max(now, row.recorded_at);
    writeRows(rows, part, recordedAt);
    const { generation, cursor, cursorTimeNs, receivedAt, darkEndedAt, changeNumber, published } = part.to;
    const leaseUntil = now + part.leaseTtlMs;
    const { lease, registryVersion } = part;
    const place = [generation, cursor, cursorTimeNs, receivedAt, darkEndedAt, changeNumber, published];
    move.run([...place, recordedAt, leaseUntil, registryVersion, lease.partition]);
    return { kind: "committed", recordedAt };
  }

  return (parts) => {
    const outcomes = connection.write(() => {
      const now = Date.now();
      return parts.map((part) => commit(part, now));
    });
    parts.forEach((part, index) => {
      if (outcomes[index]?.kind === "committed") places.add(placesOf(part));
    });
    return outcomes;
  };
}

function placesOf({ lease: { partition }, to: { generation }, reports }: BatchPart): IndexedPlace[] {
  return reports.map(({ sensorId, receivedAt, sequence, report, disposition }) => {
    return { sensorId, receivedAt, partition, generation, sequence, reportId: disposition === "duplicate" ? null : report.id };
  });
}

function writeRows(rows: BatchRows, part: BatchPart, recordedAt: number): void {
  const { lease, registryVersion, to, stream } = part;
  const { partition } = lease;
  const fault = numberingFault(part);
  if (fault !== null) throw new Error(fault);
  rows.register(part.registrations, { partition, registryVersion });
  rows.addReports(part.reports, { partition, generation: to.generation, stream, recordedAt });
  rows.writeStates(part.states, partition);
  rows.addChanges(part.changes, recordedAt);
  rows.addDeadLetters(part.deadLetters, { stream, recordedAt });
  rows.addIncidents(part.incidents, recordedAt);
}
