import { AckPolicy, type ConsumerConfig, type ConsumerMessages, DeliverPolicy, type JsMsg, ReplayPolicy } from "@nats-io/jetstream";
import { Fault } from "../domain/fault";
import type { NatsLink } from "./connection";
import { unavailable } from "./faults";
import type { StreamMessage } from "./ports";

/** Read ahead of whoever takes batches; at this many the broker is not asked for more. */
const READ_AHEAD_MAX = 8192;
const PULL_EXPIRES_MS = 5000;
/** Two missed ones end the source: the consumer is gone, or nobody leads it. */
const IDLE_HEARTBEAT_MS = 500;
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
  /** Waits for the first message, then up to `lingerMs` for more, at most `limit`. Empty once stopped. Throws `Fault` (unavailable). */
  next(limit: number, lingerMs: number): Promise<JsMsg[]>;
  stop(): Promise<void>;
}

/** Throws `Fault` (unavailable). */
export async function openSource(link: NatsLink, stream: string, start: SourceStart): Promise<MessageSource> {
  try {
    const { name } = await link.api.consumers.add(stream, consumerConfig(start));
    const consumer = await link.publisher.consumers.get(stream, name);
    const messages = await consumer.consume({
      max_messages: READ_AHEAD_MAX,
      expires: PULL_EXPIRES_MS,
      idle_heartbeat: IDLE_HEARTBEAT_MS,
      abort_on_missing_resource: true,
      bind: true,
    });
    return new ConsumerSource(link, messages, { stream, name });
  } catch (error) {
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
  #buffer: JsMsg[] = [];
  #failure: Fault | null = null;
  #stopped = false;
  /** Resolves when messages came, or never will. */
  #arrived = Promise.withResolvers<void>();
  /** Resolves when messages were taken; null while there is room. */
  #taken: PromiseWithResolvers<void> | null = null;
  readonly #forget: () => void;
  readonly #reading: Promise<void>;

  constructor(
    private readonly link: NatsLink,
    private readonly messages: ConsumerMessages,
    private readonly place: { readonly stream: string; readonly name: string },
  ) {
    this.#forget = link.onReconnect(() => this.#fail("the connection was lost"));
    this.#reading = this.#read();
    void this.#watch();
  }

  async next(limit: number, lingerMs: number): Promise<JsMsg[]> {
    while (this.#buffer.length === 0) {
      if (this.#stopped) return [];
      if (this.#failure !== null) throw this.#failure;
      await this.#arrival();
    }
    if (this.#buffer.length < limit && lingerMs > 0) await this.#linger(limit, lingerMs);
    const batch = this.#buffer.length <= limit ? this.#buffer : this.#buffer.slice(0, limit);
    this.#buffer = this.#buffer.length <= limit ? [] : this.#buffer.slice(limit);
    this.#taken?.resolve();
    this.#taken = null;
    return batch;
  }

  async stop(): Promise<void> {
    if (this.#stopped) return this.#reading;
    this.#stopped = true;
    this.#forget();
    this.#buffer = [];
    this.#wake();
    await this.messages.close();
    await this.#reading;
    // It would end by itself, after half a minute; who waits for this has other things to do.
    if (this.link.isConnected()) this.link.api.consumers.delete(this.place.stream, this.place.name).catch(() => {});
  }

  async #linger(limit: number, lingerMs: number): Promise<void> {
    const timeout = Promise.withResolvers<"over">();
    const timer = setTimeout(() => timeout.resolve("over"), lingerMs);
    while (this.#buffer.length < limit && !this.#stopped && this.#failure === null) {
      if ((await Promise.race([this.#arrival(), timeout.promise])) === "over") break;
    }
    clearTimeout(timer);
  }

  #arrival(): Promise<void> {
    return this.#arrived.promise;
  }

  async #read(): Promise<void> {
    try {
      for await (const message of this.messages) {
        if (this.#stopped || this.#failure !== null) break;
        this.#buffer.push(message);
        this.#wake();
        if (this.#buffer.length < READ_AHEAD_MAX) continue;
        this.#taken = Promise.withResolvers();
        await this.#taken.promise;
      }
      this.#fail("the consumer ended");
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  async #watch(): Promise<void> {
    for await (const status of this.messages.status()) {
      if (status.type === "heartbeats_missed" && status.count >= 2) this.#fail("the broker fell silent");
      if (status.type === "consumer_deleted" || status.type === "consumer_not_found") this.#fail("the consumer is gone");
      if (status.type === "stream_not_found") this.#fail("the stream is gone");
    }
  }

  #fail(reason: string): void {
    if (this.#stopped || this.#failure !== null) return;
    this.#failure = new Fault("unavailable", `${this.place.stream} is no longer read: ${reason}`);
    this.#wake();
  }

  #wake(): void {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
    if (this.#stopped || this.#failure !== null) this.#taken?.resolve();
  }
}

/** A message as the rest of the service sees it. Its time in milliseconds is rounded as the client rounds it for everybody. */
export function streamMessage(message: JsMsg): StreamMessage {
  const { subject, data, info } = message;
  return {
    sequence: info.streamSequence,
    id: subject.slice(subject.lastIndexOf(".") + 1),
    subject,
    payload: data,
    timeMs: Math.floor(info.timestampNanos / MS_NS),
    timeNs: () => String(message.timestampNanos),
  };
}
