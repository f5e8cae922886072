import type { Connection } from "../connection";
import { byTime, type IndexedPlace, type Place, type PlaceInTime, type Span } from "./place";
import { foldOnce, PlaceIndex, placeIndexFile, PlaceSource } from "./placeIndex";
import type { StoreThread } from "../thread/storeThread";
import { PlaceTail } from "./tail";

/** So many reports are kept in memory before they are folded into the index: the more, the less each of them costs. */
export const FOLD_AT = 131_072;
/** A thread that cannot keep up, or does not run, must not fill our memory: at so many times as much we fold by ourselves. */
const FOLD_OURSELVES_TIMES = 4;
/** Let go of at once, so that nobody waits long for it. */
const DROPPED_AT_ONCE_MAX = 4096;

/** Where each sensor's reports stand in the log: the index, and what has come since it was last folded. */
export interface ReportPlaces {
  /** Reports that were committed, in the order of the log. */
  add(places: readonly IndexedPlace[]): void;
  /** When a report was last received under this id; null if not since `since`. */
  known(sensorId: string, reportId: string, since: number): number | null;
  /** A sensor's places within a span, the first ones. A place may be there whose report is pruned. */
  placesOf(sensorId: string, span: Span, limit: number): PlaceInTime[];
  /** Reports that were pruned. */
  forget(places: readonly (PlaceInTime & { readonly sensorId: string })[]): void;
  close(): void;
}

export interface ReportPlacesOptions {
  /** The database's. */
  readonly file: string;
  readonly thread: Pick<StoreThread, "fold" | "forget">;
  readonly foldAt?: number;
}

/** Opens the index beside the database; one that is missing, or another log's, is made anew, which may take a while. */
export function openReportPlaces({ client }: Connection, { file, thread, foldAt = FOLD_AT }: ReportPlacesOptions): ReportPlaces {
  const index = new PlaceIndex(placeIndexFile(file));
  const source = new PlaceSource(client);
  const tail = new PlaceTail();
  const dataVersion = client.prepare<[], number>("pragma data_version").pluck();
  let seenVersion = dataVersion.get();
  let folding = false;
  let closed = false;

  if (!index.folded().every((place) => source.agrees(place))) index.clear();
  while (isFarBehind(index, source, foldAt)) foldOnce(index, source, foldAt);
  for (const place of index.folded()) tail.beginBehind(place);
  readOn();

  /** What another connection has committed; our own is told by `add`. */
  function catchUp(): void {
    const version = dataVersion.get();
    if (version === seenVersion) return;
    seenVersion = version;
    readOn();
  }

  function readOn(): void {
    for (const partition of source.partitions()) {
      for (const place of source.beyond(partition, tail.lastOf(partition), Number.MAX_SAFE_INTEGER)) tail.add(place);
    }
  }

  function foldWhenDue(): void {
    if (tail.size >= foldAt * FOLD_OURSELVES_TIMES) {
      foldOnce(index, source, foldAt);
      dropSome(index.folded(), tail.size);
    }
    if (tail.size < foldAt || folding) return;
    folding = true;
    // What failed is tried again when the next reports come, and by ourselves when it goes on failing.
    void thread
      .fold(foldAt)
      .then(dropInTurns, () => {})
      .finally(() => {
        folding = false;
      });
  }

  async function dropInTurns(folded: readonly Place[]): Promise<void> {
    while (!closed && dropSome(folded, DROPPED_AT_ONCE_MAX) > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  function dropSome(folded: readonly Place[], limit: number): number {
    return folded.reduce((dropped, place) => dropped + tail.drop(place, limit), 0);
  }

  return {
    add(places) {
      for (const place of places) tail.add(place);
      foldWhenDue();
    },

    known(sensorId, reportId, since) {
      catchUp();
      return tail.known(sensorId, reportId, since) ?? index.known(sensorId, reportId, since);
    },

    placesOf(sensorId, span, limit) {
      catchUp();
      const places = [...tail.placesOf(sensorId, span, limit), ...index.placesOf(sensorId, span, limit)];
      const ordered = places.sort(span.order === "asc" ? byTime : (a, b) => byTime(b, a));
      // What is just being folded may stand in both.
      return ordered.filter((place, at) => at === 0 || byTime(place, ordered[at - 1] as PlaceInTime) !== 0).slice(0, limit);
    },

    forget(places) {
      if (places.length === 0) return;
      tail.forget(places);
      thread.forget(places);
    },

    close() {
      closed = true;
      index.close();
    },
  };
}

/** Whether more is missing in the index than may be kept in memory. */
function isFarBehind(index: PlaceIndex, source: PlaceSource, foldAt: number): boolean {
  const folded = new Map(index.folded().map((place) => [place.partition, place]));
  return source.partitions().some((partition) => source.beyond(partition, folded.get(partition) ?? null, foldAt).length === foldAt);
}
