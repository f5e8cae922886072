import { rmSync } from "node:fs";
import { nextTurn } from "../../../nextTurn";
import type { ReportKey } from "../../store";
import type { Connection } from "../connection";
import { isDamaged } from "../faults";
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
  /** When a report was last received under each of these ids; null for one that was not since `since`. */
  known(keys: readonly ReportKey[], since: number): (number | null)[];
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
export function openReportPlaces({ client }: Connection, options: ReportPlacesOptions): ReportPlaces {
  const { file, foldAt = FOLD_AT } = options;
  const index = openIndex(placeIndexFile(file));
  const source = new PlaceSource(client);
  if (!index.folded().every((place) => source.agrees(place, index))) index.clear();
  while (isFarBehind(index, source, foldAt)) foldOnce(index, source, foldAt);
  const dataVersion = client.prepare<[], number>("pragma data_version").pluck();
  return new FoldedPlaces({ index, source, thread: options.thread, foldAt, dataVersion: () => dataVersion.get() ?? 0 });
}

/** All of it can be made anew, so a file that is damaged is worth no failed start. */
function openIndex(file: string): PlaceIndex {
  try {
    return new PlaceIndex(file);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${file}${suffix}`, { force: true });
    return new PlaceIndex(file);
  }
}

interface Parts {
  readonly index: PlaceIndex;
  readonly source: PlaceSource;
  readonly thread: Pick<StoreThread, "fold" | "forget">;
  readonly foldAt: number;
  /** Another number whenever another connection has committed. */
  readonly dataVersion: () => number;
}

class FoldedPlaces implements ReportPlaces {
  readonly #tail = new PlaceTail();
  #seenVersion: number;
  #foldOurselvesAt: number;
  #folding = false;
  #closed = false;

  constructor(private readonly parts: Parts) {
    this.#foldOurselvesAt = parts.foldAt * FOLD_OURSELVES_TIMES;
    this.#seenVersion = parts.dataVersion();
    for (const place of parts.index.folded()) this.#tail.beginBehind(place);
    this.#readOn();
  }

  add(places: readonly IndexedPlace[]): void {
    for (const place of places) this.#tail.add(place);
    if (this.#tail.size >= this.#foldOurselvesAt) this.#foldOurselves();
    if (this.#tail.size >= this.parts.foldAt && !this.#folding) void this.#foldAside();
  }

  known(keys: readonly ReportKey[], since: number): (number | null)[] {
    this.#catchUp();
    return keys.map(
      ({ sensorId, reportId }) => this.#tail.known(sensorId, reportId, since) ?? this.parts.index.known(sensorId, reportId, since),
    );
  }

  placesOf(sensorId: string, span: Span, limit: number): PlaceInTime[] {
    this.#catchUp();
    const places = [...this.#tail.placesOf(sensorId, span, limit), ...this.parts.index.placesOf(sensorId, span, limit)];
    const ordered = places.sort(span.order === "asc" ? byTime : (a, b) => byTime(b, a));
    // What is just being folded may stand in both.
    return ordered.filter((place, at) => at === 0 || byTime(place, ordered[at - 1] as PlaceInTime) !== 0).slice(0, limit);
  }

  forget(places: readonly (PlaceInTime & { readonly sensorId: string })[]): void {
    if (places.length === 0) return;
    this.#tail.forget(places);
    this.parts.thread.forget(places);
  }

  close(): void {
    this.#closed = true;
    this.parts.index.close();
  }

  /** What another connection has committed; our own is told by `add`. */
  #catchUp(): void {
    const version = this.parts.dataVersion();
    if (version === this.#seenVersion) return;
    this.#seenVersion = version;
    this.#readOn();
  }

  #readOn(): void {
    const { source } = this.parts;
    for (const partition of source.partitions()) {
      for (const place of source.beyond(partition, this.#tail.lastOf(partition), Number.MAX_SAFE_INTEGER)) this.#tail.add(place);
    }
  }

  /** The commit is done by now: what goes wrong here must not look as if it were not. It is tried again after as many reports more. */
  #foldOurselves(): void {
    const { index, source, foldAt } = this.parts;
    try {
      foldOnce(index, source, foldAt);
      this.#drop(index.folded(), this.#tail.size);
      this.#foldOurselvesAt = foldAt * FOLD_OURSELVES_TIMES;
    } catch {
      this.#foldOurselvesAt = this.#tail.size + foldAt;
    }
  }

  /** What failed is tried again when the next reports come, and by ourselves when it goes on failing. */
  async #foldAside(): Promise<void> {
    this.#folding = true;
    try {
      const folded = await this.parts.thread.fold(this.parts.foldAt);
      while (!this.#closed && this.#drop(folded, DROPPED_AT_ONCE_MAX) > 0) await nextTurn();
    } catch {
      // The thread has ended; it is started again.
    } finally {
      this.#folding = false;
    }
  }

  #drop(folded: readonly Place[], limit: number): number {
    return folded.reduce((dropped, place) => dropped + this.#tail.drop(place, limit), 0);
  }
}

/** Whether more is missing in the index than may be kept in memory. */
function isFarBehind(index: PlaceIndex, source: PlaceSource, foldAt: number): boolean {
  const folded = new Map(index.folded().map((place) => [place.partition, place]));
  return source.partitions().some((partition) => source.beyond(partition, folded.get(partition) ?? null, foldAt).length === foldAt);
}
