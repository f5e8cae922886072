import { type Lookout, sees, sensorsSeen } from "../domain/lookout";
import type { ChangeData } from "../domain/change";
import type { RingItem } from "./ring";

/** Where a watcher stands in its channel. */
export interface Standing {
  /** The next item for it, counted from the channel's beginning. */
  at: number;
  /** The channel's bytes before it. */
  bytes: number;
}

/** Watchers that look out for the same: which changes they see is found out once, for all of them. */
export class Channel<Watcher extends { readonly standing: Standing }> {
  readonly watchers = new Set<Watcher>();
  readonly sensorIds: readonly string[] | null;
  #queue: RingItem[] = [];
  /** How many were taken off the queue's beginning. */
  #taken = 0;
  #bytes = 0;

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

  /** The next items for one who stands there, up to about so many bytes; it then stands behind them. Null when there are none. */
  take(
    standing: Standing,
    made: (items: readonly RingItem[]) => Uint8Array,
    bytesMax: number,
  ): { readonly bytes: Uint8Array; readonly last: RingItem } | null {
    const from = standing.at - this.#taken;
    let to = from;
    let bytes = 0;
    for (; bytes < bytesMax && to < this.#queue.length; to += 1) bytes += this.#queue[to]?.bytes.length ?? 0;
    const last = this.#queue[to - 1];
    if (to === from || last === undefined) return null;
    standing.at += to - from;
    standing.bytes += bytes;
    return { bytes: made(this.#queue.slice(from, to)), last };
  }

  /** Lets go of what every watcher has. */
  trim(): void {
    let least = this.#taken + this.#queue.length;
    for (const { standing } of this.watchers) least = Math.min(least, standing.at);
    if (least === this.#taken) return;
    this.#queue.splice(0, least - this.#taken);
    this.#taken = least;
  }
}
