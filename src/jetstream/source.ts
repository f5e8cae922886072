import { AckPolicy, type ConsumerConfig, DeliverPolicy, ReplayPolicy } from "@nats-io/jetstream";
import { Fault } from "../domain/fault";
import type { NatsLink } from "./connection";
import type { ConsumedMessage } from "./consumedMessage";
import { unavailable } from "./faults";
import type { StreamMessage } from "./ports";
import { Pull, type Room } from "./pull";

/**
 * Read ahead of whoever takes batches, by all sources of a connection together; the broker is not asked for more. Bytes as it counts them:
 * it cuts a connection off for which it holds 64 MiB, as it might when the process is busy for long.
 */
const READ_AHEAD_MESSAGES_MAX = 16_384;
export const READ_AHEAD_BYTES_MAX = 32 * 1024 * 1024;
/** And the least that each of many has: a quarter of it holds the largest message. Beyond 56 of them it is more than the broker holds. */
const SHARE_MESSAGES_MIN = 512;
const SHARE_BYTES_MIN = 1152 * 1024;
/** The first request of a source is as small as if there were so many: others may be about to begin. */
const SOURCES_AT_FIRST = 16;
/** How many sources a connection has. */
const sourcesOf = new WeakMap<NatsLink, number>();
/** The room, as a share of all, that is worth a request. It must hold the largest message. */
const WORTH_ASKING_SHARE = 0.25;
/** The most that one batch holds, unless its first message alone is more. */
export const BATCH_BYTES_MAX = 16 * 1024 * 1024;
const INACTIVE_MS = 30_000;
const MS_NS = 1_000_000;

export type SourceStart =
  | { readonly kind: "all" }
  | { readonly kind: "sequence"; readonly sequence: number }
  /** From the first message that is not before this time: RFC 3339 with nanoseconds. */
  | { readonly kind: "time"; readonly time: string };

/**
 * A stream's messages in order, by an ephemeral consumer without acknowledgements. It does not outlive trouble: when the connection or the
 * consumer is lost it ends with a `Fault` (unavailable), and whoever reads begins anew at a place that they know.
 */
export interface MessageSource {
  /**
   * Waits for the first message, then up to `lingerMs` for more, at most `limit` and BATCH_BYTES_MAX. Empty once stopped. Throws `Fault`
   * (unavailable), after all that came before. One call at a time.
   */
  next(limit: number, lingerMs: number): Promise<StreamMessage[]>;
  stop(): Promise<void>;
}

/** Throws `Fault` (unavailable). */
export async function openSource(link: NatsLink, stream: string, start: SourceStart): Promise<MessageSource> {
  // From now on: those that are opened together know of each other.
  count(link, 1);
  try {
    const { name } = await link.answered(() => link.api.consumers.add(stream, consumerConfig(start)));
    return new ConsumerSource(link, { stream, consumer: name });
  } catch (error) {
    count(link, -1);
    throw unavailable(`${stream} cannot be read`, error);
  }
}

function consumerConfig(start: SourceStart): Partial<ConsumerConfig> {
  return {
    ack_policy: AckPolicy.None,
    replay_policy: ReplayPolicy.Instant,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: INACTIVE_MS * MS_NS,
    ...(start.kind === "all" ? { deliver_policy: DeliverPolicy.All } : {}),
    ...(start.kind === "sequence" ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start.sequence } : {}),
    ...(start.kind === "time" ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: start.time } : {}),
  };
}

class ConsumerSource implements MessageSource {
  readonly #pull: Pull;
  readonly #forget: () => void;
  #buffer: ConsumedMessage[] = [];
  #bytes = 0;
  #began = false;
  #failure: Fault | null = null;
  #stopped = false;
  /** Who waits until so many messages are here. */
  #waiting: { readonly messages: number; readonly go: () => void } | null = null;

  constructor(
    private readonly link: NatsLink,
    private readonly place: { readonly stream: string; readonly consumer: string },
  ) {
    this.#pull = new Pull({
      ...place,
      link,
      room: () => this.#room(),
      take: (message) => this.#keep(message),
      ended: (reason) => this.#fail(reason),
    });
    this.#forget = link.onReconnect(() => this.#fail("the connection was lost"));
    this.#pull.ask();
  }

  async next(limit: number, lingerMs: number): Promise<StreamMessage[]> {
    await this.#wait(1, null);
    if (lingerMs > 0) await this.#wait(limit, lingerMs);
    if (this.#buffer.length === 0 && this.#failure !== null && !this.#stopped) throw this.#failure;
    const batch = this.#take(limit);
    this.#pull.ask();
    return batch;
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    count(this.link, -1);
    this.#forget();
    this.#pull.stop();
    this.#buffer = [];
    this.#wake();
    // It would end by itself, after half a minute; who waits for this has other things to do.
    if (this.link.isConnected()) this.link.api.consumers.delete(this.place.stream, this.place.consumer).catch(() => {});
  }

  /** Until so many messages are here, or as many bytes as a batch takes, or nothing more will come; not longer than `waitMs`, unless null. */
  #wait(messages: number, waitMs: number | null): Promise<void> {
    if (this.#hasEnough(messages)) return Promise.resolve();
    return new Promise((resolve) => {
      const go = () => {
        if (timer !== null) clearTimeout(timer);
        this.#waiting = null;
        resolve();
      };
      const timer = waitMs === null ? null : setTimeout(go, waitMs);
      this.#waiting = { messages, go };
    });
  }

  #hasEnough(messages: number): boolean {
    return this.#buffer.length >= messages || this.#bytes >= BATCH_BYTES_MAX || this.#stopped || this.#failure !== null;
  }

  #wake(): void {
    if (this.#waiting !== null && this.#hasEnough(this.#waiting.messages)) this.#waiting.go();
  }

  #keep(message: ConsumedMessage): void {
    this.#began = true;
    this.#buffer.push(message);
    this.#bytes += message.bytes;
    this.#wake();
  }

  #take(limit: number): ConsumedMessage[] {
    let [count, bytes] = [this.#buffer.length, this.#bytes];
    if (count > limit || bytes > BATCH_BYTES_MAX) [count, bytes] = this.#firstBatch(limit);
    this.#bytes -= bytes;
    return this.#buffer.splice(0, count);
  }

  /** How many messages, and bytes, the next batch holds. */
  #firstBatch(limit: number): [count: number, bytes: number] {
    let bytes = 0;
    for (const [index, message] of this.#buffer.entries()) {
      const full = index === limit || (index > 0 && bytes + message.bytes > BATCH_BYTES_MAX);
      if (full) return [index, bytes];
      bytes += message.bytes;
    }
    return [this.#buffer.length, bytes];
  }

  #room(): Room | null {
    const sources = sourcesOf.get(this.link) ?? 1;
    const all = readAheadShare(this.#began ? sources : Math.max(sources, SOURCES_AT_FIRST));
    const messages = all.messages - this.#buffer.length;
    const bytes = all.bytes - this.#bytes;
    const worthAsking = messages >= all.messages * WORTH_ASKING_SHARE && bytes >= all.bytes * WORTH_ASKING_SHARE;
    return worthAsking ? { messages, bytes } : null;
  }

  #fail(reason: string): void {
    if (this.#stopped || this.#failure !== null) return;
    this.#failure = new Fault("unavailable", `${this.place.stream} is no longer read: ${reason}`);
    this.#pull.stop();
    this.#wake();
  }
}

function count(link: NatsLink, by: 1 | -1): void {
  sourcesOf.set(link, (sourcesOf.get(link) ?? 0) + by);
}

/** What each of so many may read ahead. */
export function readAheadShare(sources: number): Room {
  return {
    messages: Math.max(SHARE_MESSAGES_MIN, Math.floor(READ_AHEAD_MESSAGES_MAX / sources)),
    bytes: Math.max(SHARE_BYTES_MIN, Math.floor(READ_AHEAD_BYTES_MAX / sources)),
  };
}
