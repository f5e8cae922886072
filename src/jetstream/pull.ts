import { createInbox, type MsgImpl, type Subscription } from "@nats-io/transport-node";
import type { NatsLink } from "./connection";
import { type ConsumedMessage, createMessageReader } from "./consumedMessage";

const EXPIRES_MS = 5000;
const IDLE_HEARTBEAT_MS = 500;
/** So many in a row: the consumer is gone, or nobody leads it. */
const HEARTBEATS_MISSED_MAX = 2;
const MS_NS = 1_000_000;
const IDLE_HEARTBEAT = 100;
const REQUEST_EXPIRED = 408;
const REQUEST_ENDED = 409;
/** Why a request ends of which the consumer is none the worse. */
const FULFILLED = /^(batch completed|message size exceeds maxbytes)$/i;

/** Bytes as the broker counts them: subjects, headers and payloads. */
export interface Room {
  readonly messages: number;
  readonly bytes: number;
}

export interface PullOptions {
  readonly link: NatsLink;
  readonly stream: string;
  readonly consumer: string;
  /** How much may be asked for; null while it is too little to ask. */
  room(): Room | null;
  take(message: ConsumedMessage): void;
  /** Nothing more will come. Called once at most. */
  ended(reason: string): void;
}

/**
 * Asks a consumer for no more than there is room for, in messages and in bytes, one request at a time. The client's own `consume` limits
 * either the one or the other, and waits for a heartbeat where a message was larger than what was left of a request.
 */
export class Pull {
  readonly #inbox = createInbox();
  readonly #read: ReturnType<typeof createMessageReader>;
  readonly #subscription: Subscription;
  #timer: Timer | null = null;
  #requests = 0;
  /** What is left of the request that the broker works on; null while there is none. */
  #request: { readonly inbox: string; messages: number; bytes: number } | null = null;
  #heard = false;
  #missed = 0;
  #over = false;

  constructor(private readonly options: PullOptions) {
    this.#read = createMessageReader(options.consumer);
    this.#subscription = options.link.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#receive(message as MsgImpl);
        else this.#end(error.message);
      },
    });
    void this.#subscription.closed.then(() => this.#end("the subscription was closed"));
    this.#watch();
  }

  /** Asks for more if nothing is asked for and there is room. */
  ask(): void {
    if (this.#request !== null || this.#over) return;
    const room = this.options.room();
    if (room === null) return;
    const { link, stream, consumer } = this.options;
    this.#requests += 1;
    this.#request = { inbox: `${this.#inbox}.${this.#requests}`, ...room };
    this.#heard = true;
    const wanted = {
      batch: room.messages,
      max_bytes: room.bytes,
      expires: EXPIRES_MS * MS_NS,
      idle_heartbeat: IDLE_HEARTBEAT_MS * MS_NS,
    };
    try {
      link.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(wanted), { reply: this.#request.inbox });
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }

  stop(): void {
    this.#over = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#subscription.unsubscribe();
  }

  #receive(message: MsgImpl): void {
    if (this.#over) return;
    this.#heard = true;
    if (message.subject.startsWith(this.#inbox)) {
      this.#receiveStatus(message);
      return;
    }
    const consumed = this.#read(message);
    if (consumed === null) {
      this.#end(`a message came without its place: ${message.reply}`);
      return;
    }
    this.options.take(consumed);
    if (this.#request === null) return;
    this.#request.messages -= 1;
    this.#request.bytes -= consumed.bytes;
    if (this.#request.messages <= 0 || this.#request.bytes <= 0) this.#askAnew();
  }

  #receiveStatus({ subject, headers }: MsgImpl): void {
    const { code, description } = headers ?? { code: 0, description: "" };
    if (code === IDLE_HEARTBEAT) return;
    const mayGoOn = code === REQUEST_EXPIRED || (code === REQUEST_ENDED && FULFILLED.test(description));
    if (!mayGoOn) this.#end(`the broker answered ${code} ${description}`);
    else if (subject === this.#request?.inbox) this.#askAnew();
  }

  #askAnew(): void {
    this.#request = null;
    this.ask();
  }

  /**
   * Looks again and again whether the broker was heard since the last look. An immediate runs on the other side of reading from sockets
   * than a timer does: so what waited while the process was busy is read between two looks, and a busy process is no silent broker.
   */
  #watch(): void {
    const look = () => {
      if (this.#over) return;
      this.#look();
      this.#watch();
    };
    this.#timer = setTimeout(() => setImmediate(look), IDLE_HEARTBEAT_MS);
  }

  #look(): void {
    const silent = !this.#heard && this.#request !== null && this.options.link.isConnected();
    this.#missed = silent ? this.#missed + 1 : 0;
    this.#heard = false;
    if (this.#missed >= HEARTBEATS_MISSED_MAX) this.#end("the broker fell silent");
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.stop();
    this.options.ended(reason);
  }
}
