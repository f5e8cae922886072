import { type ChangeCursor, encodeChangeCursor, movable } from "../domain/changeCursor";
import type { ChangeData } from "../domain/change";
import { type Lookout, sees, seesEverything, sensorsSeen } from "../domain/lookout";
import { movePast } from "../store/feedRows";
import type { ChangeFeedStore, FeedSlice, LoggedChange } from "../store/store";
import { beatFrame, changeFrame, gapFrame, joined } from "./frames";

/** So many changes are read at once for a watcher that is behind. */
const ROWS_MAX = 500;
/** So many watchers read the table at once; the others wait for their turn, so that a herd does not hold up what is recorded. */
const CATCHING_UP_MAX = 4;

const UP = { range: {}, order: "asc" } as const;

/** Reads the table for those that are further behind than memory reaches. */
export interface CatchUps {
  /** About so many bytes. */
  read(from: ChangeCursor, bytes: number): Promise<FeedSlice>;
}

export function createCatchUps(store: ChangeFeedStore): CatchUps {
  let free = CATCHING_UP_MAX;
  const waiting: (() => void)[] = [];

  async function enter(): Promise<void> {
    if (free > 0) free -= 1;
    else await new Promise<void>((go) => waiting.push(go));
  }

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }

  return {
    async read(from, bytes) {
      await enter();
      try {
        return await store.readChanges({ from, ...UP }, { rows: ROWS_MAX, bytes });
      } finally {
        leave();
      }
    },
  };
}

/** What a slice of the table is to a watcher: its bytes, never empty, and where it stands behind them. */
export function told(slice: FeedSlice, lookout: Lookout): { readonly bytes: Uint8Array; readonly cursor: ChangeCursor } {
  const cursor = movable(slice.start);
  const frames: Uint8Array[] = [];
  if (slice.missed > 0) frames.push(gapFrame(encodeChangeCursor(cursor), slice.missed, MISSED));
  const isSeen = eyeOf(lookout);
  for (const change of slice.changes) {
    movePast(cursor, "asc", change);
    if (isSeen(change)) frames.push(changeFrame(encodeChangeCursor(cursor), change.data).bytes);
  }
  return { bytes: frames.length === 0 ? beatFrame(encodeChangeCursor(cursor)) : joined(frames), cursor };
}

const MISSED = "So many changes after the last event are no longer kept; the stream goes on at the oldest that are.";

function eyeOf(lookout: Lookout): (change: LoggedChange) => boolean {
  if (seesEverything(lookout)) return () => true;
  const sensorIds = sensorsSeen(lookout);
  return ({ sensorId, data }) => (sensorIds?.includes(sensorId) ?? true) && sees(lookout, JSON.parse(data) as ChangeData);
}
