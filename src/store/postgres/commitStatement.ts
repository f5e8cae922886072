import type { QueryConfig } from "pg";
import type { BatchPart } from "../store";
import { type ArrayElement, arrayText, numberOrNull, quoted, quotedOrNull } from "./arrays";
import { ROW_KINDS, type RowKind } from "./batchRows";
import { NOW_MS } from "./clock";

type PartColumn = readonly [name: string, type: string, element: (part: BatchPart, index: number) => ArrayElement];

/** What the fence compares and where it moves a partition to. */
const PART: readonly PartColumn[] = [
  ["part", "int", (_, index) => index],
  ["partition", "int", ({ lease }) => lease.partition],
  ["epoch", "int", ({ lease }) => lease.epoch],
  ["owner", "text", ({ lease }) => quoted(lease.owner)],
  ["registry_version", "bigint", ({ registryVersion }) => registryVersion],
  ["from_generation", "int", ({ from }) => from.generation],
  ["from_cursor", "bigint", ({ from }) => from.cursor],
  ["from_cursor_time_ns", "text", ({ from }) => quotedOrNull(from.cursorTimeNs)],
  ["from_change_number", "bigint", ({ from }) => from.changeNumber],
  ["generation", "int", ({ to }) => to.generation],
  ["cursor", "bigint", ({ to }) => to.cursor],
  ["cursor_time_ns", "text", ({ to }) => quotedOrNull(to.cursorTimeNs)],
  ["received_at", "bigint", ({ to }) => to.receivedAt],
  ["dark_ended_at", "bigint", ({ to }) => numberOrNull(to.darkEndedAt)],
  ["change_number", "bigint", ({ to }) => to.changeNumber],
  ["published", "bigint", ({ to }) => to.published],
  ["lease_ttl_ms", "bigint", ({ leaseTtlMs }) => leaseTtlMs],
  ["stream", "text", ({ stream }) => quoted(stream)],
];

/**
 * Rows are locked in the order of their partitions, so that two commits wait for each other in one direction only. Whoever waited for a
 * lock compares with the row as it is then: Postgres looks at a row that was changed meanwhile once more.
 */
function fence(parts: string): string {
  return `
    given as materialized (select * from ${parts}),
    held as materialized (
      select partition from partitions where role = 'ingest' and partition = any($2::int[]) order by partition for no key update),
    fence as (
      update partitions p set generation = n.generation, cursor = n.cursor, cursor_time_ns = n.cursor_time_ns,
        received_at = n.received_at, dark_ended_at = n.dark_ended_at, change_number = n.change_number,
        published = greatest(p.published, n.published), recorded_at = greatest(p.recorded_at, ${NOW_MS}),
        lease_until = ${NOW_MS} + n.lease_ttl_ms, decided_version = n.registry_version
      from held h join given n on n.partition = h.partition
      where p.role = 'ingest' and p.partition = h.partition and p.epoch = n.epoch and p.owner = n.owner
        and p.registry_version = n.registry_version and p.generation = n.from_generation and p.cursor = n.from_cursor
        and p.cursor_time_ns is not distinct from n.from_cursor_time_ns and p.change_number = n.from_change_number
      returning n.part, p.partition, p.generation, p.recorded_at, p.registry_version, n.stream)`;
}

/** The statements made so far, by the kinds of rows that they write: most batches are of two or three shapes. */
const texts = new Map<string, string>();

/** The one statement of a commit: the fence first, everything else joins it. Answers with the parts that passed. */
export function commitStatement(parts: readonly BatchPart[]): QueryConfig {
  const values: unknown[] = PART.map(([, , element]) => arrayText(parts.map(element)));
  const kinds: RowKind[] = [];
  for (const kind of ROW_KINDS) {
    const arrays = kind.arraysOf(parts);
    if (arrays === null) continue;
    kinds.push(kind);
    values.push(...arrays);
  }
  const name = `commit-${kinds.map(({ letter }) => letter).join("")}`;
  let text = texts.get(name);
  if (text === undefined) {
    text = textOf(kinds);
    texts.set(name, text);
  }
  return { name, text, values };
}

function textOf(kinds: readonly RowKind[]): string {
  let parameters = 0;
  const source = (alias: string, types: readonly string[], names: readonly string[]) => {
    const arrays = types.map((type) => `$${(parameters += 1)}::${type}[]`);
    return `unnest(${arrays.join(", ")}) ${alias} (${names.join(", ")})`;
  };
  const parts = source(
    "n",
    PART.map(([, type]) => type),
    PART.map(([name]) => name),
  );
  const steps = [fence(parts), ...kinds.map(({ types, names, insertion }) => insertion(source("r", types, names)))];
  return `with ${steps.join(",")}\nselect part, recorded_at from fence`;
}
