import { joined } from "./frames";
import type { RingItem } from "./ring";

/** What is handed to a watcher at once; one change at least. */
const CHUNK_BYTES_MAX = 64 * 1024;
/** What all watchers of a node together were handed last, and may not have read yet: with many of them a chunk is smaller. */
const HANDED_BYTES_MAX = 32 * 1024 * 1024;
/** Which chunks were asked for last is kept up to so many bytes of theirs, for whoever comes for the same. */
const KEPT_BYTES_MAX = 32 * 1024 * 1024;
/** Of the same length, between the same changes: how many are compared. */
const ALIKE_MAX = 4;

interface Chunk {
  readonly key: string;
  readonly items: readonly RingItem[];
  readonly length: number;
  /** Made for the second who comes for it. */
  shared: Uint8Array | null;
}

/** Whoever is owed the same changes gets the same bytes, whatever it looks out for. */
export class Chunks {
  readonly #byKey = new Map<string, Chunk[]>();
  /** In the order in which they were asked for first. */
  #kept: Chunk[] = [];
  #keptBytes = 0;

  /** What one of so many watchers is handed at once. */
  static bytesMax(watchers: number): number {
    return Math.min(CHUNK_BYTES_MAX, Math.floor(HANDED_BYTES_MAX / Math.max(watchers, 1)));
  }

  /** `own` is written into when nobody else has come for the same. */
  of(items: readonly RingItem[], own: OwnBytes): Uint8Array {
    const [first, last] = [items[0], items.at(-1)];
    if (first === undefined || last === undefined || first === last) return first?.bytes ?? new Uint8Array();
    const parts = items.map(({ bytes }) => bytes);
    const key = `${first.place}-${last.place}-${items.length}`;
    const alike = this.#byKey.get(key) ?? [];
    const same = alike.find((chunk) => chunk.items.every((item, index) => item === items[index]));
    if (same !== undefined) return (same.shared ??= joined(parts));
    const bytes = own.join(parts);
    if (alike.length < ALIKE_MAX) this.#keep({ key, items, length: bytes.length, shared: null }, alike);
    return bytes;
  }

  #keep(chunk: Chunk, alike: Chunk[]): void {
    alike.push(chunk);
    this.#byKey.set(chunk.key, alike);
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
    if (this.#keptBytes <= KEPT_BYTES_MAX) return;
    let gone = 0;
    // Half of them, so that each is moved about once.
    for (; this.#keptBytes > KEPT_BYTES_MAX / 2; gone += 1) this.#forget(this.#kept[gone] as Chunk);
    this.#kept = this.#kept.slice(gone);
  }

  #forget({ key, length }: Chunk): void {
    this.#keptBytes -= length;
    this.#byKey.delete(key);
  }
}

/** A whole chunk and its last change, if that is of the usual size. */
const OWN_BYTES_MAX = CHUNK_BYTES_MAX + 1024;

/**
 * What one watcher is handed alone is written into the same bytes again and again: they are free when it asks for the next, since by then
 * those before have been copied to its socket. Made anew each time, they were garbage faster than it was collected.
 */
export class OwnBytes {
  #bytes = new Uint8Array();

  join(parts: readonly Uint8Array[]): Uint8Array {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    // More at once, so that it is seldom made anew, but no more than may be handed out.
    if (length > this.#bytes.length) this.#bytes = new Uint8Array(Math.max(length, Math.min(2 * length, OWN_BYTES_MAX)));
    let at = 0;
    for (const part of parts) {
      this.#bytes.set(part, at);
      at += part.length;
    }
    return this.#bytes.subarray(0, at);
  }
}
