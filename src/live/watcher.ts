import { type ChangeCursor, encodeChangeCursor, isBeyond, movable, moveTo } from "../domain/changeCursor";
import { sees, seesEverything } from "../domain/lookout";
import { movePast } from "../store/feedRows";
import { pause } from "../pause";
import { type CatchUps, told } from "./catchUp";
import type { Channel, Standing } from "./channel";
import type { Channels } from "./channels";
import { type Chunks, OwnBytes } from "./chunks";
import { beatFrame, changeOf, cursorOf, type Ending, endingFrame, gapFrame, joined, openingFrame, renamed } from "./frames";
import type { WatchWish } from "./ports";
import type { Ring } from "./ring";

/** After a stream that ended, browsers come back at a moment between these, not all at once. */
const RETRY_MIN_MS = 1000;
const RETRY_SPREAD_MS = 2000;
/** After the table could not be read. */
const READ_AGAIN_MS = 500;

const FOREIGN = "The last event is not of this log; the stream goes on at the present.";
const DETAILS: Record<Ending, string> = {
  slow: "Too much waited to be read; come back with the last event id.",
  shutdown: "The server is stopping; reconnect with the last event id.",
  unauthorized: "The token is no longer valid.",
};

/** What the watchers of a node share. */
export interface Scene {
  readonly ring: Ring;
  readonly channels: Channels<Watcher>;
  readonly chunks: Chunks;
  /** What is handed to a watcher at once, about. */
  readonly chunkBytes: () => number;
  readonly catchUps: CatchUps;
  readonly failed: (error: unknown) => void;
}

/**
 * One stream. It is asked for its next bytes when those before have gone out, and keeps none itself: it stands somewhere, and takes on from
 * there. Behind the present it reads the table to its end, which alone knows what was erased; then what the ring took in meanwhile, under
 * ids of its own while it is beyond what this node has read; then its channel, whose bytes are the same for all.
 */
export class Watcher {
  /** In its channel. */
  standing: Standing = { at: 0, bytes: 0 };
  channel: Channel<Watcher> | null = null;
  #way: "table" | "ring";
  /** Everything up to here was told, or is not seen; in a channel, `#shown` says it. */
  #cursor: ChangeCursor;
  #shown: string;
  #place = 0;
  #opened = false;
  #beat: Uint8Array | null = null;
  #ending: Ending | null = null;
  #ended = false;
  #wake: (() => void) | null = null;
  /** When the last bytes were handed out; null while more are asked for. */
  #handedAt: number | null = performance.now();
  #askedAt = performance.now();
  readonly #own = new OwnBytes();
  readonly #gone = new AbortController();

  constructor(
    readonly wish: WatchWish,
    private readonly scene: Scene,
  ) {
    this.#cursor = wish.from ?? scene.ring.end;
    this.#place = scene.ring.next;
    this.#way = wish.from === null ? "ring" : "table";
    this.#shown = encodeChangeCursor(this.#cursor);
  }

  get isWaiting(): boolean {
    return this.#wake !== null;
  }

  get isEnding(): boolean {
    return this.#ending !== null;
  }

  /** Whether it follows the ring by itself. */
  get isTrailing(): boolean {
    return this.channel === null && this.#way === "ring" && this.#ending === null;
  }

  /** How long nobody has asked for more. */
  stalledMs(now: number): number {
    return this.#handedAt === null ? 0 : now - this.#handedAt;
  }

  /** There may be something for it. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  /** Nothing was said for so long that it must be told where it stands; `cursor` is where its channel is. */
  beat(now: number, everyMs: number, cursor: { readonly text: string; readonly frame: Uint8Array }): void {
    if (!this.isWaiting || now - this.#askedAt < everyMs) return;
    if (this.channel !== null) this.#shown = cursor.text;
    this.#beat = this.channel === null ? beatFrame(this.#shown) : cursor.frame;
    this.wake();
  }

  /** It gets a last word, as soon as it takes one. */
  end(ending: Ending): void {
    if (this.#ending !== null) return;
    this.#ending = ending;
    this.#leaveChannel();
    this.#gone.abort();
    this.wake();
  }

  /** Nobody takes anything any more. */
  close(): void {
    this.#ended = true;
    this.end("shutdown");
  }

  /** The next bytes; null at the end. Called again only when it has answered. Never rejects. */
  async next(): Promise<Uint8Array | null> {
    this.#handedAt = null;
    this.#askedAt = performance.now();
    const bytes = await this.#nextBytes();
    this.#handedAt = performance.now();
    return bytes;
  }

  async #nextBytes(): Promise<Uint8Array | null> {
    if (!this.#opened) {
      this.#opened = true;
      return openingFrame(this.#shown, Math.round(RETRY_MIN_MS + Math.random() * RETRY_SPREAD_MS));
    }
    for (;;) {
      if (this.#ended) return null;
      if (this.#ending !== null) {
        this.#ended = true;
        return endingFrame(this.#ending, this.#shown, DETAILS[this.#ending]);
      }
      const bytes = this.channel === null ? await this.#fromBehind() : this.#fromChannel(this.channel);
      if (bytes !== null) {
        // Its id is behind by now.
        this.#beat = null;
        return bytes;
      }
      if (this.#ending !== null) continue;
      if (this.#beat !== null) return this.#takeBeat();
      if (!this.#mayGoOn()) await this.#rest();
    }
  }

  /** Whether it came to where the next bytes may be at hand. */
  #mayGoOn(): boolean {
    const { ring } = this.scene;
    if (this.channel !== null) return this.channel.end.at > this.standing.at;
    return this.#way === "table" || this.#place < ring.next;
  }

  #rest(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #takeBeat(): Uint8Array | null {
    const beat = this.#beat;
    this.#beat = null;
    return beat;
  }

  #fromBehind(): Promise<Uint8Array | null> | Uint8Array | null {
    if (this.#way === "ring" && this.#place < this.scene.ring.first) this.#way = "table";
    return this.#way === "ring" ? this.#fromRing() : this.#fromTable();
  }

  async #fromTable(): Promise<Uint8Array | null> {
    const { ring } = this.scene;
    const [place, end] = [ring.next, movable(ring.end)];
    try {
      const slice = await this.scene.catchUps.read(this.#cursor, this.scene.chunkBytes());
      if (this.#ending !== null) return null;
      if (slice.foreign) {
        this.#followRing(place, end);
        return gapFrame(this.#shown, null, FOREIGN);
      }
      const { bytes, cursor } = told(slice, this.wish.lookout);
      if (slice.more) this.#moveTo(cursor);
      else this.#followRing(place, beyondBoth(cursor, end));
      return bytes;
    } catch (error) {
      this.scene.failed(error);
      await pause(READ_AGAIN_MS, this.#gone.signal);
      return beatFrame(this.#shown);
    }
  }

  /** From a place on, whose changes are those beyond a cursor. */
  #followRing(place: number, cursor: ChangeCursor): void {
    this.#moveTo(cursor);
    this.#way = "ring";
    this.#place = place;
  }

  #fromRing(): Uint8Array | null {
    const { ring, chunkBytes } = this.scene;
    const { lookout } = this.wish;
    const all = seesEverything(lookout);
    const cursor = movable(this.#cursor);
    const frames: Uint8Array[] = [];
    for (let left = chunkBytes(); left > 0 && this.#place < ring.next; this.#place += 1) {
      const item = ring.at(this.#place);
      if (item === undefined || item.number <= (cursor[item.partition] ?? 0)) continue;
      movePast(cursor, "asc", item);
      if (!all && !sees(lookout, changeOf(item))) continue;
      const text = encodeChangeCursor(cursor);
      frames.push(cursorOf(item) === text ? item.bytes : renamed(item, text));
      left -= item.bytes.length;
    }
    this.#moveTo(cursor);
    if (this.#place === ring.next && isBeyond(ring.end, cursor)) this.#joinChannel();
    return frames.length === 0 ? null : joined(frames);
  }

  #fromChannel(channel: Channel<Watcher>): Uint8Array | null {
    const { chunks, chunkBytes } = this.scene;
    const taken = channel.take(this.standing, (items) => chunks.of(items, this.#own), chunkBytes());
    if (taken === null) return null;
    this.#shown = cursorOf(taken.last);
    return taken.bytes;
  }

  #moveTo(cursor: ChangeCursor): void {
    this.#cursor = cursor;
    this.#shown = encodeChangeCursor(cursor);
  }

  /** It has all that this node has read, and nothing beyond: from here on the ids of all are right for it. */
  #joinChannel(): void {
    this.channel = this.scene.channels.of(this.wish.lookout);
    this.channel.watchers.add(this);
    this.standing = this.channel.end;
  }

  #leaveChannel(): void {
    if (this.channel !== null) this.scene.channels.leave(this.channel, this);
    this.channel = null;
  }
}

function beyondBoth(one: ChangeCursor, other: ChangeCursor): ChangeCursor {
  const cursor = movable(one);
  other.forEach((reached, partition) => moveTo(cursor, partition, Math.max(cursor[partition] ?? 0, reached)));
  return cursor;
}
