/** Pages of rows that may be large: read in slices, and ended early where their bytes grow too many. */
import { toPage } from "./cursor";
import { PageRoom } from "./pageRoom";
import type { Page } from "./store";

/** A page holds about so many bytes, or one row. */
export const PAGE_BYTES_MAX = 4 * 1024 * 1024;
/** What is read at once holds about so many bytes at most, however large its rows are after small ones. */
const SLICE_BYTES_MAX = 2 * PAGE_BYTES_MAX;

/** What all pages that a node reads at once hold together; a page waits before it begins. */
const READING_BYTES_MAX = 8 * PAGE_BYTES_MAX;
const reading = new PageRoom(READING_BYTES_MAX);

export interface RowSize<Row> {
  /** About. */
  readonly bytesOf: (row: Row) => number;
  /** The most that a row may have. */
  readonly bytesMax: number;
}

/** Whoever waits between two reads of it asks {@link LargePage.room} before each, and disposes of it at the end. */
export class LargePage<Row> implements Disposable {
  readonly #rows: Row[] = [];
  readonly #atOnce: number;
  #bytes = 0;
  /** What it has taken of the room. */
  #taken = 0;
  #isFull = false;
  #isLast = false;

  constructor(
    private readonly limit: number,
    private readonly size: RowSize<Row>,
  ) {
    this.#atOnce = Math.max(1, Math.floor(SLICE_BYTES_MAX / size.bytesMax));
  }

  /** How many rows to read next; 0 when there are no more, or when it has all that it can hold and one, which says that there is more. */
  get wanted(): number {
    if (this.#isFull || this.#isLast) return 0;
    const missing = Math.min(this.limit + 1 - this.#rows.length, this.#atOnce);
    if (this.#rows.length === 0) return missing;
    const perRow = Math.max(1, this.#bytes / this.#rows.length);
    return Math.min(missing, Math.max(1, Math.ceil((PAGE_BYTES_MAX - this.#bytes) / perRow)));
  }

  /** Resolves when there is room for what it will hold; at once for one that holds something already. */
  async room(): Promise<void> {
    if (this.#taken > 0) return;
    const taken = this.#expected;
    await reading.take(taken);
    this.#taken = taken;
  }

  /** What was read of those that were wanted; `isLast`: there are no more. */
  take(rows: readonly Row[], isLast: boolean): void {
    this.#isLast = isLast;
    for (const row of rows) {
      this.#rows.push(row);
      this.#bytes += this.size.bytesOf(row);
      this.#isFull = this.#bytes > PAGE_BYTES_MAX && this.#rows.length > 1;
      if (this.#isFull) break;
    }
    // As long as nothing was found it may look for long, and holds nothing.
    if (this.#taken > 0) this.#hold(this.#rows.length === 0 ? 0 : this.#expected);
  }

  [Symbol.dispose](): void {
    this.#hold(0);
  }

  /** As far as its rows tell. */
  get #expected(): number {
    const perRow = this.#rows.length === 0 ? this.size.bytesMax : this.#bytes / this.#rows.length;
    return Math.ceil(Math.min(PAGE_BYTES_MAX, (this.limit + 1) * perRow));
  }

  #hold(bytes: number): void {
    const more = bytes - this.#taken;
    this.#taken = bytes;
    if (more !== 0) reading.change(more);
  }

  page<Item>(how: { list: string; key: (row: Row) => readonly (string | number)[]; item: (row: Row) => Item }): Page<Item> {
    const limit = this.#isFull ? Math.min(this.limit, this.#rows.length - 1) : this.limit;
    return toPage(this.#rows, { limit, ...how });
  }
}
