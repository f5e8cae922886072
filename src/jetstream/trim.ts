/** How long committed reports stay in the stream, for those who read it themselves. */
const KEPT_MS = 3600 * 1000;
/** From this share of the stream's bytes on they go at once: a full stream refuses reports. */
const FILLED_MAX = 0.5;

/** Decides what a stream may forget: what was committed an hour ago, and all that was committed when the stream fills up. */
export class Trimmer {
  #marks: { readonly cursor: number; readonly atMs: number }[] = [];

  /** The first sequence that must stay: at most the cursor itself, at which the next reader begins. `nowMs` is monotonic. */
  below({ cursor, nowMs, filled }: { cursor: number; nowMs: number; filled: number }): number {
    this.#marks.push({ cursor, atMs: nowMs });
    const old = this.#marks.findLastIndex(({ atMs }) => nowMs - atMs >= KEPT_MS);
    if (old > 0) this.#marks = this.#marks.slice(old);
    if (filled >= FILLED_MAX) return cursor;
    return old === -1 ? 0 : (this.#marks[0]?.cursor ?? 0);
  }

  /** The marks belong to another stream. */
  forget(): void {
    this.#marks = [];
  }
}
