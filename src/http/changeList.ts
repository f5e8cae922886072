/** A page of everyone's changes, through a filter and within a reach. */
import type { ChangeData } from "../domain/change";
import { type ChangeCursor, encodeChangeCursor, movable, parseChangeCursor } from "../domain/changeCursor";
import { type Lookout, sees, seesEverything, sensorsSeen } from "../domain/lookout";
import { demandWhole, FEED_PAGE_BYTES_MAX, movePast } from "../store/feedRows";
import type { ChangeFeedStore, FeedQuery, LoggedChange } from "../store/store";
import { invalid } from "./problems";

/** A page looks at so many changes, and about FEED_PAGE_BYTES_MAX of their bytes, whether the filter lets them through or not. */
const LOOKED_AT_MAX = 5000;
/** So many are read at once where a filter may leave most of them out. */
const FILTERED_ROWS = 500;

export interface ChangeListWish extends FeedQuery {
  readonly limit: number;
  /** Null lets everything through. */
  readonly wanted: ((change: LoggedChange) => boolean) | null;
}

export interface ListedChanges {
  /** The JSON texts of the items. */
  readonly items: readonly string[];
  readonly nextCursor: string | null;
  readonly cursor: string;
}

/** Throws `gone` where changes behind the cursor are no longer kept. */
export async function listChanges(store: ChangeFeedStore, wish: ChangeListWish): Promise<ListedChanges> {
  const { range, order, limit, wanted } = wish;
  const items: string[] = [];
  let { from } = wish;
  let [looked, bytes] = [0, 0];
  let newest: ChangeCursor | null = null;
  for (;;) {
    const rows = wanted === null ? limit - items.length : Math.min(FILTERED_ROWS, LOOKED_AT_MAX - looked);
    const slice = await store.readChanges({ from, range, order }, { rows, bytes: FEED_PAGE_BYTES_MAX - bytes });
    demandWhole(slice);
    newest ??= slice.start;
    const reached = movable(slice.start);
    let left = slice.changes.length;
    for (const change of slice.changes) {
      if (items.length === limit) break;
      movePast(reached, order, change);
      [left, looked, bytes] = [left - 1, looked + 1, bytes + change.data.length];
      if (wanted === null || wanted(change)) items.push(change.data);
    }
    from = reached;
    const more = slice.more || left > 0;
    if (!more || items.length === limit || looked >= LOOKED_AT_MAX || bytes >= FEED_PAGE_BYTES_MAX) {
      const cursor = encodeChangeCursor(order === "asc" ? from : newest);
      return { items, nextCursor: more ? encodeChangeCursor(from) : null, cursor };
    }
  }
}

/** Says whether a change is seen; null for all of them. */
export function wantedBy(lookout: Lookout): ChangeListWish["wanted"] {
  if (seesEverything(lookout)) return null;
  const sensorIds = sensorsSeen(lookout);
  return ({ sensorId, data }) => {
    if (sensorIds !== null && !sensorIds.includes(sensorId)) return false;
    return sees(lookout, JSON.parse(data) as ChangeData);
  };
}

/** Throws a 422. */
export function changeCursorOf(text: string | undefined, pointer: string): ChangeCursor | null {
  if (text === undefined || text === "") return null;
  const cursor = parseChangeCursor(text);
  if (cursor !== null) return cursor;
  throw invalid("The cursor does not come from a list of changes.", [
    { pointer, message: "must be the cursor or the nextCursor of a list of changes, or the id of an event" },
  ]);
}
