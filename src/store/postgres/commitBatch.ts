import { isSamePlace, numberingFault, refusalOf } from "../partRules";
import type { BatchPart, PartOutcome } from "../store";
import { commitStatement } from "./commitStatement";
import type { Connection } from "./connection";
import { dayMissing, makeDay } from "./days";
import { ingestRowsOf } from "./partitions";

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

  /** Why these parts are refused by where their partitions stand now; null for one that is not. */
  async function refusals(parts: readonly BatchPart[]): Promise<Map<BatchPart, PartOutcome | null>> {
    if (parts.length === 0) return new Map();
    const partitions = parts.map(({ lease }) => lease.partition);
    const rows = new Map((await ingestRowsOf(connection, partitions)).map((row) => [row.partition, row]));
    return new Map(parts.map((part) => [part, refusalOf(part, rows.get(part.lease.partition))]));
  }

  return async (parts) => {
    const torn = await refusals(parts.filter((part) => faultIn(part) !== null));
    for (const [part, refusal] of torn) if (refusal === null) throw new Error(faultIn(part) ?? "");
    const moving = parts.filter((part) => !torn.has(part) && !isSamePlace(part.from, part.to));
    const committed = moving.length === 0 ? new Map<BatchPart, PartOutcome>() : await commit(moving);
    const others = await refusals(parts.filter((part) => !committed.has(part)));
    return parts.map((part) => committed.get(part) ?? others.get(part) ?? { kind: "moved" });
  };
}

/** What would tear the log if it went in: the keys of a table that is kept by days cannot see a sequence of another day. */
function faultIn(part: BatchPart): string | null {
  const { lease, from, to, reports } = part;
  const after = from.generation === to.generation ? from.cursor : 0;
  const beyond = reports.every(({ sequence }) => sequence > after);
  const fault = beyond ? null : `a batch of partition ${lease.partition} that begins after ${after} brings a report from before`;
  return numberingFault(part) ?? fault;
}
