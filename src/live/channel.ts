import { type Lookout, sees, sensorsSeen } from "../domain/lookout";
import type { ChangeData } from "../domain/change";
import { joined } from "./frames";
import type { RingItem } from "./ring";

/** What is handed to a watcher at once; one change at least. */
export const CHUNK_BYTES_MAX = 64 * 1024;

/** Where a watcher stands in its channel. */
export interface Standing {
  /** The next item for it, counted from the channel's beginning. */
  at: number;
  /** The channel's bytes before it. */
  bytes: number;
}

/** Watchers that see the same changes: what one of them is owed is made once, for all of them. */
export class Channel<Watcher extends { readonly standing: Standing }> {
  readonly watchers = new Set<Watcher>();
  readonly sensorIds: readonly string[] | null;
  #queue: RingItem[] = [];
  /** How many were taken off the queue's beginning. */
  #taken = 0;
  #bytes = 0;
  #chunk: { readonly from: number; readonly to: number; readonly bytes: Uint8Array } | null = null;

  constructor(
    readonly key: string,
    /** Null sees everything. */
    private readonly lookout: Lookout | null,
  ) {
    this.sensorIds = lookout === null ? null : sensorsSeen(lookout);
  }

  /** Where one stands who has everything up to now. */
  get end(): Standing {
    return { at: this.#taken + this.#queue.length, bytes: this.#bytes };
  }

  /** `change` parses the item. */
  sees(change: () => ChangeData): boolean {
    return this.lookout === null || sees(this.lookout, change());
  }

  add(item: RingItem): void {
    this.#bytes += item.bytes.length;
    this.#queue.push(item);
  }

  unsentBytes({ bytes }: Standing): number {
    return this.#bytes - bytes;
  }

  /** The place in the ring of the next item for one who stands there; null when there is none. */
  nextPlace({ at }: Standing): number | null {
    return this.#queue[at - this.#taken]?.place ?? null;
  }

  /** The next items for one who stands there, who then stands behind them; null when there are none. */
  take(standing: Standing): { readonly bytes: Uint8Array; readonly last: RingItem } | null {
    const from = standing.at - this.#taken;
    let to = from;
    let bytes = 0;
    for (; bytes < CHUNK_BYTES_MAX && to < this.#queue.length; to += 1) bytes += this.#queue[to]?.bytes.length ?? 0;
    const last = this.#queue[to - 1];
    if (to === from || last === undefined) return null;
    standing.at += to - from;
    standing.bytes += bytes;
    return { bytes: this.#chunkOf(from, to), last };
  }

  /** Lets go of what every watcher has. */
  trim(): void {
    let least = this.#taken + this.#queue.length;
    for (const { standing } of this.watchers) least = Math.min(least, standing.at);
    if (least === this.#taken) return;
    this.#queue.splice(0, least - this.#taken);
    this.#taken = least;
    this.#chunk = null;
  }

  /** Most of the watchers stand at the same place, and get the same bytes. */
  #chunkOf(from: number, to: number): Uint8Array {
    const [begin, end] = [this.#taken + from, this.#taken + to];
    if (this.#chunk?.from === begin && this.#chunk.to === end) return this.#chunk.bytes;
    const bytes = joined(this.#queue.slice(from, to).map((item) => item.bytes));
    if (this.watchers.size > 1) this.#chunk = { from: begin, to: end, bytes };
    return bytes;
  }
}
