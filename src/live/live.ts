/** The live stream of changes: one look at the log for all who watch on this node. */
import { encodeChangeCursor } from "../domain/changeCursor";
import { Fault } from "../domain/fault";
import type { ChangeFeedStore, LoggedChange } from "../store/store";
import type { Events } from "../telemetry/events";
import { createCatchUps } from "./catchUp";
import { Channels } from "./channels";
import { Chunks } from "./chunks";
import { Credentials } from "./credentials";
import { Feed } from "./feed";
import { beatFrame, type Ending } from "./frames";
import type { ChangeHints, WatchWish } from "./ports";
import { type Ring, RING_BYTES_MAX, RING_ITEMS_MAX, RING_MS_MAX, type RingLimits } from "./ring";
import { Room, type RoomLimits, STREAMS_MAX, STREAMS_PER_CALLER_MAX } from "./room";
import { type Scene, Watcher } from "./watcher";

/** Who has so much waiting is too slow, and so is who takes nothing at all for so long, or has not taken what the ring lets go of. */
const UNSENT_BYTES_MAX = 8 * 1024 * 1024;
const STALLED_MS = 30_000;
/** Below what proxies and clients take for a dead connection. */
export const BEAT_EVERY_MS = 15_000;
/** After the last watcher has gone the log is followed on for those who come back. */
const LINGER_MS = 30_000;
/** Of everything that is done by time; each time it is asked whether those who watch are still let in. */
const TICK_MS = 100;
const UPKEEP_TICKS = 10;

export interface LiveOptions {
  readonly store: ChangeFeedStore;
  readonly hints: ChangeHints;
  readonly events: Pick<Events, "failed" | "watchersCounted" | "watcherEnded">;
  /** For tests; the named limits unless given. */
  readonly limits?: Partial<LiveLimits>;
}

export interface LiveLimits {
  readonly room: RoomLimits;
  readonly unsentBytes: number;
  readonly stalledMs: number;
  readonly beatEveryMs: number;
  readonly lingerMs: number;
  readonly ring: RingLimits;
}

const LIMITS: LiveLimits = {
  room: { streams: STREAMS_MAX, perCaller: STREAMS_PER_CALLER_MAX },
  unsentBytes: UNSENT_BYTES_MAX,
  stalledMs: STALLED_MS,
  beatEveryMs: BEAT_EVERY_MS,
  lingerMs: LINGER_MS,
  ring: { items: RING_ITEMS_MAX, bytes: RING_BYTES_MAX, ms: RING_MS_MAX },
};

export class Live {
  readonly #watchers = new Set<Watcher>();
  readonly #credentials = new Credentials<Watcher>();
  readonly #limits: LiveLimits;
  readonly #room: Room;
  #following: Promise<{ readonly feed: Feed; readonly scene: Scene }> | null = null;
  #stopped = false;
  #ticks = 0;
  #leftAt = performance.now();
  #timer: Timer | null = null;

  constructor(private readonly options: LiveOptions) {
    this.#limits = { ...LIMITS, ...options.limits };
    this.#room = new Room(this.#limits.room);
  }

  /**
   * The bytes of a stream, which takes its room until it ends or is cancelled. Throws `Fault` (exhausted, unavailable) when there is none
   * for one more.
   */
  async watch(wish: WatchWish): Promise<ReadableStream<Uint8Array>> {
    this.#demandGoingOn();
    const leave = this.#room.take(wish.caller);
    try {
      const { scene } = await this.#follow();
      this.#demandGoingOn();
      const watcher = new Watcher(wish, scene);
      this.#watchers.add(watcher);
      this.#credentials.add(watcher);
      this.options.events.watchersCounted(this.#watchers.size);
      return this.#streamOf(watcher, leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Takes nobody new, and gives everybody a last word. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const watcher of this.#watchers) this.#end(watcher, "shutdown");
    await this.#unfollow();
  }

  #demandGoingOn(): void {
    if (this.#stopped) throw new Fault("unavailable", "The server is stopping; try again in a moment.");
  }

  #streamOf(watcher: Watcher, leave: () => void): ReadableStream<Uint8Array> {
    let open = true;
    const close = () => {
      open = false;
      watcher.close();
      this.#left(watcher);
      leave();
    };
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const bytes = await watcher.next();
          if (!open) return;
          if (bytes !== null) return controller.enqueue(bytes);
          controller.close();
          close();
        },
        cancel: close,
      },
      // It is asked for the next bytes when those before have gone out to the socket.
      { highWaterMark: 0 },
    );
  }

  #left(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher)) return;
    this.#credentials.delete(watcher);
    this.#leftAt = performance.now();
    this.options.events.watchersCounted(this.#watchers.size);
  }

  #follow(): Promise<{ feed: Feed; scene: Scene }> {
    this.#following ??= this.#begin().catch((error: unknown) => {
      this.#following = null;
      throw error;
    });
    return this.#following;
  }

  async #begin(): Promise<{ feed: Feed; scene: Scene }> {
    const { store, hints, events } = this.options;
    const failed = (error: unknown) => events.failed("live", error);
    const channels = new Channels<Watcher>();
    const onChanges = (ring: Ring, changes: readonly LoggedChange[]) => this.#handOn(channels, ring, changes);
    const feed = await Feed.open({ store, hints, ring: this.#limits.ring, onChanges, onBreak: () => this.#break(), failed });
    if (this.#stopped) await feed.stop();
    else this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    const chunkBytes = () => Chunks.bytesMax(this.#watchers.size);
    return { feed, scene: { ring: feed.ring, channels, chunks: new Chunks(), chunkBytes, catchUps: createCatchUps(store), failed } };
  }

  async #unfollow(): Promise<void> {
    const following = this.#following;
    this.#following = null;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await following?.then(({ feed }) => feed.stop()).catch(() => {});
  }

  #handOn(channels: Channels<Watcher>, ring: Ring, changes: readonly LoggedChange[]): void {
    for (const change of changes) channels.add(ring.add(change));
    for (const channel of channels.takeTouched()) {
      for (const watcher of channel.watchers) {
        if (watcher.isWaiting) watcher.wake();
        else if (this.#isFarBehind(watcher, ring)) this.#end(watcher, "slow");
      }
      channel.trim();
    }
    for (const watcher of this.#watchers) if (watcher.isTrailing) watcher.wake();
  }

  #isFarBehind({ channel, standing }: Watcher, ring: Ring): boolean {
    if (channel === null) return false;
    return channel.unsentBytes(standing) > this.#limits.unsentBytes || (channel.nextPlace(standing) ?? ring.next) < ring.first;
  }

  /** Everybody comes back, and is told what is missing. */
  #break(): void {
    for (const watcher of this.#watchers) this.#end(watcher, "shutdown");
    void this.#unfollow();
  }

  #end(watcher: Watcher, ending: Ending): void {
    if (watcher.isEnding) return;
    watcher.end(ending);
    this.#credentials.delete(watcher);
    this.options.events.watcherEnded(ending);
  }

  #tick(): void {
    this.#ticks += 1;
    if (this.#ticks % UPKEEP_TICKS === 0) void this.#upkeep();
    this.#credentials.ask((watcher) => this.#end(watcher, "unauthorized"));
  }

  async #upkeep(): Promise<void> {
    if (this.#following === null) return;
    const now = performance.now();
    if (this.#room.isEmpty && now - this.#leftAt > this.#limits.lingerMs) return this.#unfollow();
    const following = await this.#following.catch(() => null);
    if (following === null) return;
    const { ring, channels } = following.scene;
    ring.forgetOld(now);
    const text = encodeChangeCursor(ring.end);
    const cursor = { text, frame: beatFrame(text) };
    for (const watcher of this.#watchers) {
      watcher.beat(now, this.#limits.beatEveryMs, cursor);
      if (watcher.stalledMs(now) > this.#limits.stalledMs || (!watcher.isWaiting && this.#isFarBehind(watcher, ring)))
        this.#end(watcher, "slow");
    }
    for (const channel of channels.all()) channel.trim();
  }
}
