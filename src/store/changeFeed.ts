/** The part of the store's port (store.ts) by which the changes of all partitions are walked along, by lists and live streams. */
import type { ChangeCursor } from "../domain/changeCursor";
import type { LoggedChange, TimeRange } from "./store";

export interface FeedQuery {
  /** Upwards, what lies behind it; downwards, what lies before it. Null begins at the oldest that is kept, or at the newest. */
  readonly from: ChangeCursor | null;
  /** Of `recordedAt`. */
  readonly range: TimeRange;
  readonly order: "asc" | "desc";
}

export interface FeedSlice {
  /** Each partition's in the order of its numbers; between partitions by `recordedAt`. */
  readonly changes: readonly LoggedChange[];
  /** Where the slice begins: `from`, moved to what is kept and asked for. */
  readonly start: ChangeCursor;
  /** Whether there is more of what was asked for beyond the slice. */
  readonly more: boolean;
  /** Upwards: how many changes behind `from` are too old to be kept. Those that were erased with their sensors are missed by nobody. */
  readonly missed: number;
  /** `from` lies beyond what was ever recorded: it is of another log, or of this one before a backup was restored. */
  readonly foreign: boolean;
}

export interface ChangeFeedStore {
  /** At most so many changes, and about so many bytes of data, but one change at least where there is one. */
  readChanges(query: FeedQuery, most: { readonly rows: number; readonly bytes: number }): Promise<FeedSlice>;
}
