import type { FoundByText } from "./sensorLeads";

export interface FoundGroup {
  readonly first: string;
  readonly members: readonly string[];
}

interface Asked {
  readonly after: string;
  /** How many groups were asked for, and one more. */
  readonly groups: number;
  /** How many of those that wait were asked for, and one more. */
  readonly waiting: number;
}

/**
 * The ids beyond `after` that groups (by their first ids) and those that wait (by id) give, up to where both are known. Null when more
 * groups are needed: they overlap, and none of their ids is before the first of the next one.
 */
export function foundByText(groups: readonly FoundGroup[], waiting: readonly string[], asked: Asked): FoundByText | null {
  const next = groups[asked.groups]?.first;
  const known = groups.slice(0, asked.groups).flatMap(({ members }) => members.filter((id) => id > asked.after));
  const inGroups = next === undefined ? known : known.filter((id) => id < next);
  let to: string | null = null;
  if (next !== undefined) {
    if (inGroups.length === 0) return null;
    to = inGroups.reduce((most, id) => (id > most ? id : most));
  }
  const lastWaiting = waiting.length > asked.waiting ? (waiting[asked.waiting - 1] as string) : null;
  if (lastWaiting !== null && (to === null || lastWaiting < to)) to = lastWaiting;
  const all = new Set([...inGroups, ...waiting].filter((id) => to === null || id <= to));
  return { ids: [...all].toSorted(), to };
}
