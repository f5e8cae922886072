import { type ChangeCursor, encodeChangeCursor, movable, moveTo } from "../domain/changeCursor";
import type { LoggedChange } from "../store/store";
import { type ChangeFrame, changeFrame } from "./frames";

/** The latest changes are kept up to so many, and about so many bytes. */
export const RING_ITEMS_MAX = 50_000;
export const RING_BYTES_MAX = 32 * 1024 * 1024;
/** And for so long: the table alone knows what was erased since. */
export const RING_MS_MAX = 30_000;

/** A change as all watchers get it. */
export interface RingItem extends ChangeFrame {
  /** Counts what this node has read. */
  readonly place: number;
  readonly partition: number;
  readonly number: number;
  readonly sensorId: string;
  /** By the monotonic clock. */
  readonly readAt: number;
}

export interface RingLimits {
  readonly items: number;
  readonly bytes: number;
  readonly ms: number;
}

/** The latest changes in the order in which this node read them. */
export class Ring {
  #items: RingItem[] = [];
  /** How many at the beginning of `#items` are gone. */
  #gone = 0;
  #bytes = 0;
  #next = 0;
  #end: number[];

  constructor(
    from: ChangeCursor,
    private readonly limits: RingLimits,
  ) {
    this.#end = movable(from);
  }

  /** Behind the last. */
  get end(): ChangeCursor {
    return this.#end;
  }

  /** The place of the oldest that is kept, or of the next one. */
  get first(): number {
    return this.#items[this.#gone]?.place ?? this.#next;
  }

  /** The place that the next one will have. */
  get next(): number {
    return this.#next;
  }

  at(place: number): RingItem | undefined {
    const { first } = this;
    return place < first ? undefined : this.#items[this.#gone + place - first];
  }

  add(change: LoggedChange): RingItem {
    const { partition, number, sensorId, data } = change;
    moveTo(this.#end, partition, number);
    const frame = changeFrame(encodeChangeCursor(this.#end), data);
    const item: RingItem = { ...frame, place: this.#next, partition, number, sensorId, readAt: performance.now() };
    this.#next += 1;
    this.#items.push(item);
    this.#bytes += item.bytes.length;
    while (this.#items.length - this.#gone > this.limits.items || this.#bytes > this.limits.bytes) this.#drop();
    return item;
  }

  /** Lets go of what was read too long ago. */
  forgetOld(now: number): void {
    for (let oldest = this.#items[this.#gone]; oldest !== undefined && now - oldest.readAt > this.limits.ms;) {
      this.#drop();
      oldest = this.#items[this.#gone];
    }
  }

  #drop(): void {
    const item = this.#items[this.#gone];
    if (item === undefined) return;
    this.#bytes -= item.bytes.length;
    this.#gone += 1;
    // Now and then, so that each item is moved about once.
    if (this.#gone * 2 < this.#items.length) return;
    this.#items.splice(0, this.#gone);
    this.#gone = 0;
  }
}
