import type { BatchPart, PartitionPosition, PartOutcome } from "../store";
import { commitStatement } from "./commitStatement";
import type { Connection } from "./connection";
import { dayMissing, makeDay } from "./days";
import { type PartitionRow, ingestRowsOf } from "./partitions";

/** One statement for all parts: a part whose fence refuses it writes nothing, an error takes back everything. */
export function prepareCommitBatch(connection: Connection): (parts: readonly BatchPart[]) => Promise<PartOutcome[]> {
  async function commit(parts: readonly BatchPart[]): Promise<Map<BatchPart, PartOutcome>> {
    const statement = commitStatement(parts);
    const run = () => connection.control.query<{ part: number; recorded_at: number }>(statement);
    const { rows } = await run().catch(async (error: unknown) => {
      const day = dayMissing(error);
      if (day === null) throw error;
      await makeDay(connection, day);
      return run();
    });
    return new Map(rows.map(({ part, recorded_at }) => [parts[part] as BatchPart, { kind: "committed", recordedAt: recorded_at }]));
  }

  /** The parts that the fence refused, told apart by where their partitions stand now. */
  async function refused(parts: readonly BatchPart[]): Promise<Map<BatchPart, PartOutcome>> {
    const rows = await ingestRowsOf(
      connection,
      parts.map(({ lease }) => lease.partition),
    );
    const byPartition = new Map(rows.map((row) => [row.partition, row]));
    return new Map(parts.map((part) => [part, refusalOf(part, byPartition.get(part.lease.partition))]));
  }

  return async (parts) => {
    parts.forEach(checkNumbers);
    const moving = parts.filter(({ from, to }) => !isSamePlace(from, to));
    const committed = moving.length === 0 ? new Map<BatchPart, PartOutcome>() : await commit(moving);
    const others = parts.filter((part) => !committed.has(part));
    const outcomes = others.length === 0 ? committed : new Map([...committed, ...(await refused(others))]);
    return parts.map((part) => outcomes.get(part) as PartOutcome);
  };
}

function refusalOf(part: BatchPart, row: PartitionRow | undefined): PartOutcome {
  const { epoch, owner } = part.lease;
  if (row === undefined || row.epoch !== epoch || row.owner !== owner) return { kind: "fenced" };
  const position = { ...part.to, generation: row.generation, cursor: row.cursor, cursorTimeNs: row.cursor_time_ns };
  const stands = { ...position, changeNumber: row.change_number };
  if (isSamePlace(stands, part.to)) return { kind: "alreadyCommitted" };
  if (isSamePlace(stands, part.from) && row.registry_version !== part.registryVersion) {
    return { kind: "registryMoved", registryVersion: row.registry_version };
  }
  return { kind: "moved" };
}

/** `published` moves by itself, and the clocks with the cursor. */
function isSamePlace(one: PartitionPosition, other: PartitionPosition): boolean {
  return (
    one.generation === other.generation &&
    one.cursor === other.cursor &&
    one.cursorTimeNs === other.cursorTimeNs &&
    one.changeNumber === other.changeNumber
  );
}

/** Throws for a batch that would tear the log: the keys of a table that is kept by days cannot see a sequence of another day. */
function checkNumbers({ lease, from, to, changes, reports }: BatchPart): void {
  const numbered = changes.every(({ number }, index) => number === from.changeNumber + index + 1);
  if (!numbered || from.changeNumber + changes.length !== to.changeNumber) {
    throw new Error(`the changes of partition ${lease.partition} are not numbered ${from.changeNumber + 1} to ${to.changeNumber}`);
  }
  const after = from.generation === to.generation ? from.cursor : 0;
  if (reports.some(({ sequence }) => sequence <= after)) {
    throw new Error(`partition ${lease.partition} has reports in a batch beyond ${after} that are not beyond it`);
  }
}
