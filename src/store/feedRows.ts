import { type ChangeCursor, encodeChangeCursor, movable, moveTo, parseChangeCursor } from "../domain/changeCursor";
import type { ChangeData } from "../domain/change";
import { Fault } from "../domain/fault";
import type { ChangeQuery, FeedQuery, FeedSlice, Page, PageRequest } from "./store";

/** What is known of a partition of the log before it is read. */
export interface FeedHead {
  readonly partition: number;
  /** The number of its last change. */
  readonly last: number;
  /** Upwards: the first number behind the cursor that is kept; null for none. */
  readonly next: number | null;
  /** The number up to which changes were taken out by their age. Others that are missing were erased: they count as if they had never been. */
  readonly pruned: number;
  /** The first numbers that were recorded at or after the ends of the range; null for none (or for no such end). */
  readonly since: number | null;
  readonly until: number | null;
}

/** The numbers of a partition that a slice may hold: above `low`, up to `high`. */
export interface Stretch {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

export interface FeedPlan extends Pick<FeedSlice, "start" | "missed" | "foreign"> {
  /** Those that hold anything. */
  readonly stretches: readonly Stretch[];
}

/** Under which name `meta` keeps up to where the changes of a partition were taken out by their age; the partition is what follows. */
export const PRUNED = "changes_pruned.";

/** Where a slice begins and ends. `recordedAt` never goes back in a partition, so a range of time is one of numbers. */
export function planFeed({ from, range, order }: FeedQuery, heads: readonly FeedHead[]): FeedPlan {
  const start: number[] = [];
  const stretches: Stretch[] = [];
  let missed = 0;
  for (const { partition, last, next, pruned, since, until } of heads) {
    const reached = from?.[partition] ?? 0;
    const sinceCut = range.since === undefined ? 0 : (since ?? last + 1) - 1;
    const untilCut = range.until === undefined ? last : (until ?? last + 1) - 1;
    const oldestCut = order === "desc" ? 0 : (next ?? last + 1) - 1;
    if (from !== null && order === "asc") missed += Math.max(0, pruned - reached);
    const low = Math.max(order === "asc" ? reached : 0, sinceCut, oldestCut);
    const high = Math.min(order === "desc" && from !== null ? reached : last, untilCut);
    moveTo(start, partition, order === "asc" ? Math.min(low, last) : Math.max(high, 0));
    if (low < high) stretches.push({ partition, low, high });
  }
  return { start, stretches, missed, foreign: isForeign(from, heads) };
}

function isForeign(from: ChangeCursor | null, heads: readonly FeedHead[]): boolean {
  const lasts = new Map(heads.map(({ partition, last }) => [partition, last]));
  return from?.some((reached, partition) => reached > (lasts.get(partition) ?? 0)) ?? false;
}

/** A cursor moved past a change that was shown. */
export function movePast(cursor: number[], order: "asc" | "desc", { partition, number }: { partition: number; number: number }): void {
  moveTo(cursor, partition, order === "asc" ? number : number - 1);
}

/** Throws `invalid` (pointer /cursor). */
export function feedCursorOf(text: string | null): ChangeCursor | null {
  if (text === null) return null;
  const cursor = parseChangeCursor(text);
  if (cursor !== null) return cursor;
  throw new Fault("invalid", "The cursor does not come from a list of changes.", {
    errors: [{ pointer: "/cursor", message: "must be the cursor or the nextCursor of a list of changes, or the id of an event" }],
  });
}

/** Throws `gone` where changes are missing between a cursor and the slice that was read from there. */
export function demandWhole({ missed, foreign }: Pick<FeedSlice, "missed" | "foreign">): void {
  const errors = [{ pointer: "/cursor", message: "lies outside of what is kept" }];
  const goOn = "Without a cursor the list begins at the oldest change that is kept; with order=desc, at the newest.";
  if (foreign)
    throw new Fault(
      "gone",
      `The cursor lies beyond the newest change: it belongs to another database, or to a time before a backup was restored. ${goOn}`,
      { errors },
    );
  if (missed > 0) throw new Fault("gone", `${missed} changes after this cursor are no longer kept. ${goOn}`, { errors });
}

/** A page of everyone's changes, as `listChanges` gives it. */
export async function pageOfFeed(
  read: (query: FeedQuery, most: { rows: number; bytes: number }) => FeedSlice | Promise<FeedSlice>,
  { range, order }: ChangeQuery,
  { limit, cursor }: PageRequest,
): Promise<Page<ChangeData>> {
  const slice = await read({ from: feedCursorOf(cursor), range, order }, { rows: limit, bytes: FEED_PAGE_BYTES_MAX });
  demandWhole(slice);
  const reached = movable(slice.start);
  for (const change of slice.changes) movePast(reached, order, change);
  return {
    items: slice.changes.map(({ data }) => JSON.parse(data) as ChangeData),
    nextCursor: slice.more ? encodeChangeCursor(reached) : null,
  };
}

/** A page holds about so many bytes of changes. */
export const FEED_PAGE_BYTES_MAX = 4 * 1024 * 1024;
