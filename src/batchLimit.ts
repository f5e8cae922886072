/** A commit that took so long and then failed would take as long again. */
const SLOW_MS = 2000;

/** How much a commit may hold just now: less where the database is too slow for much. */
export class BatchLimit {
  items: number;

  constructor(private readonly itemsMax: number) {
    this.items = itemsMax;
  }

  /** Tells of a commit that failed after so long; true when it should be tried again in halves. */
  failed(items: number, ms: number): boolean {
    if (ms < SLOW_MS || items <= 1) return false;
    this.items = Math.ceil(items / 2);
    return true;
  }

  succeeded(ms: number): void {
    if (ms < SLOW_MS / 4) this.items = Math.min(this.itemsMax, this.items * 2);
  }
}
