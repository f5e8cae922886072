/** A page of one sensor's changes, chosen by its keys before their data is read. */
import { decodeCursor, encodeCursor } from "./cursor";
import { FEED_PAGE_BYTES_MAX } from "./feedRows";
import type { ChangeQuery, PageRequest, TimeRange } from "./store";

export interface ChangeKey {
  readonly revision: number;
  readonly occurredAt: number;
  /** Of its data. */
  readonly bytes: number;
}

/** A change with a time of its own may have occurred long before those in front of it, so a range is looked for, so many changes a page. */
const LOOKED_AT_MAX = 2000;
/** A change is recorded after it occurred; the clocks of the stream and of the database may differ by so much. */
const CLOCKS_DIFFER_MS = 24 * 3600 * 1000;

/** Which keys a page is chosen from: revisions between both, exclusive. */
export interface KeyWish {
  readonly above: number;
  readonly below: number;
  readonly limit: number;
}

/** Where to look from: every change before was recorded before this time. Null where nothing can be left out. */
export function recordedSince({ since }: TimeRange): number | null {
  return since === undefined ? null : since - CLOCKS_DIFFER_MS;
}

/** `first`: the first revision that can be in the range. Throws `invalid` (pointer /cursor). */
export function wishOf({ sensorId, range, order }: ChangeQuery, { limit, cursor }: PageRequest, first: number): KeyWish {
  const from = decodeCursor<[number]>(cursor, listOf(sensorId), ["number"])?.[0];
  const open = range.since === undefined && range.until === undefined;
  return {
    above: Math.max(first - 1, order === "asc" ? (from ?? 0) : 0),
    below: order === "desc" ? (from ?? Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER,
    limit: open ? limit + 1 : LOOKED_AT_MAX,
  };
}

/** Which of the keys that a wish found stand on the page, and where the next one goes on. */
export function chooseChanges(
  keys: readonly ChangeKey[],
  { range, sensorId }: ChangeQuery,
  { limit, wish }: { readonly limit: number; readonly wish: KeyWish },
): { revisions: number[]; nextCursor: string | null } {
  const revisions: number[] = [];
  let bytes = 0;
  let passed = 0;
  for (const { revision, occurredAt, bytes: size } of keys) {
    if (isWithinRange(occurredAt, range)) {
      if (revisions.length === limit || bytes >= FEED_PAGE_BYTES_MAX) return { revisions, nextCursor: cursorAt(sensorId, passed) };
      revisions.push(revision);
      bytes += size;
    }
    passed = revision;
  }
  return { revisions, nextCursor: keys.length === wish.limit ? cursorAt(sensorId, passed) : null };
}

function isWithinRange(time: number, { since = -Infinity, until = Infinity }: TimeRange): boolean {
  return time >= since && time < until;
}

function listOf(sensorId: string | undefined): string {
  return `changesOf:${sensorId}`;
}

function cursorAt(sensorId: string | undefined, revision: number): string {
  return encodeCursor(listOf(sensorId), [revision]);
}
