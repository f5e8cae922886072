/** `cursor` is opaque: what a page gave as `nextCursor`. Throws `invalid` (pointer /cursor) for anything else. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor: string | null;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

export interface TimeRange {
  /** Inclusive. */
  readonly since?: number;
  /** Exclusive. */
  readonly until?: number;
}
