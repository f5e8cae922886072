/** Pages of rows that may be large: read in slices, and ended early where their bytes grow too many. */
import { toPage } from "./cursor";
import type { Page } from "./store";

/** A page holds about so many bytes, or one row. */
export const PAGE_BYTES_MAX = 4 * 1024 * 1024;
/** What is read at once holds about so many bytes at most, however large its rows are after small ones. */
const SLICE_BYTES_MAX = 2 * PAGE_BYTES_MAX;

export interface RowSize<Row> {
  /** About. */
  readonly bytesOf: (row: Row) => number;
  /** The most that a row may have. */
  readonly bytesMax: number;
}

export class LargePage<Row> {
  readonly #rows: Row[] = [];
  readonly #atOnce: number;
  #bytes = 0;
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

  /** What was read of those that were wanted; `isLast`: there are no more. */
  take(rows: readonly Row[], isLast: boolean): void {
    this.#isLast = isLast;
    for (const row of rows) {
      this.#rows.push(row);
      this.#bytes += this.size.bytesOf(row);
      this.#isFull = this.#bytes > PAGE_BYTES_MAX && this.#rows.length > 1;
      if (this.#isFull) return;
    }
  }

  page<Item>(how: { list: string; key: (row: Row) => readonly (string | number)[]; item: (row: Row) => Item }): Page<Item> {
    const limit = this.#isFull ? Math.min(this.limit, this.#rows.length - 1) : this.limit;
    return toPage(this.#rows, { limit, ...how });
  }
}
