import { LRUCache } from "lru-cache";
import type { State } from "../domain/state";
import type { BatchPart } from "../store/store";
import type { Events } from "../telemetry/events";
import { placeText } from "./order";
import type { RedisLink } from "./redis";
import type { Seal } from "./seal";
import type { SharedEntries, StateToWrite } from "./sharedEntries";

/** Sensors that somebody reads, as far as an owner remembers. */
const WANTED_MAX = 50_000;
/** Who reads a sensor says so each time that an entry has run out, a second after the last time at most. */
const WANTED_MS = 3000;
/** States that wait to be written; the next of a sensor takes the place of the one before. */
const WAITING_MAX = 10_000;
const WRITES_AT_ONCE_MAX = 200;
/** A partition that commits nothing for so long is not listened for any more. */
const LISTEN_MS = 60_000;

export interface WriteThroughOptions {
  readonly redis: RedisLink;
  readonly entries: Pick<SharedEntries, "write" | "channelOf">;
  readonly seal: Seal;
  /** For how long an entry that was vouched for at this time would be believed. */
  readonly lasts: (vouchedAt: number) => number;
  readonly events: Pick<Events, "cacheWrote">;
}

interface Waiting {
  readonly state: State;
  readonly order: string;
  readonly vouchedAt: number;
}

/**
 * Brings the states that this node commits to Redis, of sensors that somebody reads just now. It listens for who reads, holds up no commit,
 * and drops what does not get through: what stands there meanwhile is believed for no longer for that.
 */
export class WriteThrough {
  readonly #wanted = new LRUCache<string, true>({ max: WANTED_MAX, ttl: WANTED_MS });
  readonly #waiting = new Map<string, Waiting>();
  readonly #listening = new Map<number, { committedAt: number }>();
  readonly #ears: RedisLink["client"];
  readonly #timer: Timer;
  #running: Promise<void> | null = null;

  constructor(private readonly options: WriteThroughOptions) {
    this.#ears = options.redis.client.duplicate({ enableOfflineQueue: true, maxRetriesPerRequest: null, commandTimeout: undefined });
    // The link's own connection tells of what goes wrong.
    this.#ears.on("error", () => {});
    this.#ears.on("message", (_channel: string, id: string) => void this.#wanted.set(id, true));
    this.#timer = setInterval(() => this.#leaveQuiet(), LISTEN_MS);
  }

  add({ lease: { partition }, states, to }: BatchPart, vouchedAt: number): void {
    this.#listenTo(partition);
    if (this.#wanted.size === 0) return;
    const order = placeText(to);
    let dropped = 0;
    for (const { sensorId, state } of states) {
      if (!this.#wanted.has(sensorId)) continue;
      if (this.#waiting.size >= WAITING_MAX && !this.#waiting.has(sensorId)) dropped += 1;
      else this.#waiting.set(sensorId, { state, order, vouchedAt });
    }
    this.options.events.cacheWrote("dropped", dropped);
    if (this.#waiting.size > 0) this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#waiting.clear();
    this.#ears.disconnect();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      const taken = [...this.#waiting].slice(0, WRITES_AT_ONCE_MAX);
      for (const [id] of taken) this.#waiting.delete(id);
      await this.#write(taken.map(([id, waiting]) => this.#closed(id, waiting)).filter(({ lastsMs }) => lastsMs > 0));
    }
    this.#running = null;
  }

  async #write(states: readonly StateToWrite[]): Promise<void> {
    if (states.length === 0) return;
    const written = await this.options.entries.write(states);
    if (written === null) this.options.events.cacheWrote("failed", states.length);
    else this.options.events.cacheWrote("written", written);
  }

  #closed(id: string, { state, order, vouchedAt }: Waiting): StateToWrite {
    const { seal, lasts } = this.options;
    return { id, text: seal.close("state", id, { order, vouchedAt, content: JSON.stringify(state) }), lastsMs: lasts(vouchedAt) };
  }

  #listenTo(partition: number): void {
    const listening = this.#listening.get(partition);
    if (listening !== undefined) {
      listening.committedAt = performance.now();
      return;
    }
    this.#listening.set(partition, { committedAt: performance.now() });
    // In vain only where the connection is closed for good.
    void this.#ears.subscribe(this.options.entries.channelOf(partition)).catch(() => {});
  }

  #leaveQuiet(): void {
    for (const [partition, { committedAt }] of this.#listening) {
      if (performance.now() - committedAt < LISTEN_MS) continue;
      this.#listening.delete(partition);
      void this.#ears.unsubscribe(this.options.entries.channelOf(partition)).catch(() => {});
    }
  }
}
