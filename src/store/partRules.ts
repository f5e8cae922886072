import type { PartitionRow } from "./partitionRows";
import type { BatchPart, PartitionPosition, PartOutcome } from "./store";

/** Why a part may not go in, by where its partition stands; null for one that may. */
export function refusalOf(part: BatchPart, row: PartitionRow | undefined): PartOutcome | null {
  const { epoch, owner } = part.lease;
  if (row === undefined || row.epoch !== epoch || row.owner !== owner) return { kind: "fenced" };
  const { generation, cursor, cursor_time_ns: cursorTimeNs, change_number: changeNumber, registry_version: registryVersion } = row;
  const stands = { generation, cursor, cursorTimeNs, changeNumber };
  if (isSamePlace(stands, part.to)) return { kind: "alreadyCommitted" };
  if (!isSamePlace(stands, part.from)) return { kind: "moved" };
  return registryVersion === part.registryVersion ? null : { kind: "registryMoved", registryVersion };
}

type Place = Pick<PartitionPosition, "generation" | "cursor" | "cursorTimeNs" | "changeNumber">;

/** `published` moves by itself, and the clocks with the cursor. */
export function isSamePlace(one: Place, other: Place): boolean {
  return (
    one.generation === other.generation &&
    one.cursor === other.cursor &&
    one.cursorTimeNs === other.cursorTimeNs &&
    one.changeNumber === other.changeNumber
  );
}

/** The changes of a part are numbered on from where its partition stands, without a gap; what is wrong with them, else null. */
export function numberingFault({ lease: { partition }, from, to, changes }: BatchPart): string | null {
  const numbered = changes.every(({ number }, index) => number === from.changeNumber + index + 1);
  if (numbered && from.changeNumber + changes.length === to.changeNumber) return null;
  return `the changes of partition ${partition} are not numbered ${from.changeNumber + 1} to ${to.changeNumber}`;
}
