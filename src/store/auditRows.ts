/** How both drivers walk along the audit log: by number, which all but follows the time. */
import { decodeCursor, encodeCursor } from "./cursor";
import type { AuditQuery, AuditRecord, Page, PageRequest } from "./store";

const LIST = "audit";

/** Of what is written at once, a higher number may carry the earlier time; so many are never written at once. */
const OUT_OF_ORDER_MAX = 1000;

/** A clock that was put back by less than this is waited for, so that times go along with numbers; by more, it was wrong before. */
export const PUT_BACK_MAX_MS = 60_000;

export function timeAfter(last: number, now: number): number {
  return last > now && last - now <= PUT_BACK_MAX_MS ? last : now;
}

/** Both exclusive. */
export interface NumberBounds {
  readonly above: number;
  readonly below: number;
}

/**
 * Where to look: from where the page before ended, and not where the time cannot be. `firstSince`, `firstUntil`: the number of the first
 * entry, by time, that is not before `since`, and of the first that is not before `until`; null where there is none or none was asked for.
 */
export function boundsOf(
  { cursor }: PageRequest,
  { firstSince, firstUntil }: { readonly firstSince: number | null; readonly firstUntil: number | null },
): NumberBounds {
  const reached = decodeCursor<[number]>(cursor, LIST, ["number"])?.[0] ?? Number.MAX_SAFE_INTEGER;
  return {
    above: firstSince === null ? 0 : firstSince - OUT_OF_ORDER_MAX,
    below: firstUntil === null ? reached : Math.min(reached, firstUntil + OUT_OF_ORDER_MAX),
  };
}

/** `rows`: of which one more than `limit` were asked for. `floor`: the last one looked at, where there may be more beyond it. */
export function auditPage(rows: readonly AuditRecord[], { limit }: PageRequest, floor: number | null): Page<AuditRecord> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const reached = rows.length > limit && last !== undefined ? last.number : floor;
  return { items, nextCursor: reached === null ? null : encodeCursor(LIST, [reached]) };
}

/** Whether there is more to a query than the index that it goes along can tell: then only so many are looked at. */
export function isSifted({ actorId, operation, target }: AuditQuery): boolean {
  return operation !== undefined || (actorId !== undefined && target !== undefined);
}
