import { JetStreamApiError } from "@nats-io/jetstream";
import { createInbox } from "@nats-io/transport-node";
import { Fault } from "../domain/fault";
import { API_TIMEOUT_MS, type NatsLink } from "./connection";
import type { PublishAck } from "./ports";

/** How often it is looked whether an acknowledgement is overdue. */
const LOOK_EVERY_MS = 250;
/** A stream that elects its leader takes nothing for a moment. */
const TRIES = 3;
const RETRY_MS = 250;
const NO_RESPONDERS = 503;

interface Waiting {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly until: number;
  tries: number;
  readonly resolve: (ack: PublishAck) => void;
  readonly reject: (reason: unknown) => void;
}

/** What JetStream answers to a message. */
interface Answer {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string };
}

/** Rejects with what JetStream answered, or why it did not: in time, or over a connection that was lost (`Fault`, unavailable). */
export type PublishAcknowledged = (subject: string, payload: Uint8Array) => Promise<PublishAck>;

/**
 * Publishes with one subscription for all acknowledgements and one timer for all that are overdue, and what is asked for in one turn of the
 * process goes out together. (The client's own way takes a timer, a race and a header parser for each, and a write for each.)
 */
export function publishAcknowledged(link: NatsLink): PublishAcknowledged {
  const publishings = new Publishings(link);
  return (subject, payload) => publishings.publish(subject, payload);
}

class Publishings {
  /** By number, in the order in which they were asked for. */
  readonly #waiting = new Map<number, Waiting>();
  readonly #inbox = createInbox();
  #count = 0;
  #hears = false;
  /** Those that go out at the end of this turn. */
  #asked: number[] = [];
  #looking: Timer | null = null;

  constructor(private readonly link: NatsLink) {}

  publish(subject: string, payload: Uint8Array): Promise<PublishAck> {
    if (!this.link.isConnected()) return Promise.reject(new Fault("unavailable", "not connected to NATS"));
    this.#hear();
    this.#looking ??= setInterval(() => this.#look(), LOOK_EVERY_MS);
    return new Promise((resolve, reject) => {
      const number = this.#count;
      this.#count += 1;
      this.#waiting.set(number, { subject, payload, until: performance.now() + API_TIMEOUT_MS, tries: 1, resolve, reject });
      if (this.#asked.push(number) === 1) setImmediate(() => this.#sendAsked());
    });
  }

  #hear(): void {
    if (this.#hears) return;
    this.#hears = true;
    this.link.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error !== null) return;
        const number = Number(message.subject.slice(this.#inbox.length + 1));
        if (message.data.length === 0 && message.headers?.code === NO_RESPONDERS) this.#retry(number);
        else this.#settle(number, message.data);
      },
    });
    this.link.onLoss(() => this.#failAll());
  }

  #sendAsked(): void {
    const due = this.#asked;
    this.#asked = [];
    for (const number of due) this.#send(number);
  }

  /** Nothing for one that was given up meanwhile: without a connection the client would keep it, and publish it later. */
  #send(number: number): void {
    const one = this.#waiting.get(number);
    if (one === undefined) return;
    try {
      this.link.connection.publish(one.subject, one.payload, { reply: `${this.#inbox}.${number}` });
    } catch (error) {
      this.#waiting.delete(number);
      one.reject(error);
    }
  }

  #settle(number: number, data: Uint8Array): void {
    const one = this.#waiting.get(number);
    if (one === undefined) return;
    this.#waiting.delete(number);
    try {
      one.resolve(ackOf(data));
    } catch (error) {
      one.reject(error);
    }
  }

  #retry(number: number): void {
    const one = this.#waiting.get(number);
    if (one === undefined) return;
    if (one.tries === TRIES) {
      this.#waiting.delete(number);
      one.reject(new Error("no stream takes it"));
      return;
    }
    one.tries += 1;
    setTimeout(() => this.#send(number), RETRY_MS);
  }

  #failAll(): void {
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of lost) reject(new Fault("unavailable", "the connection to NATS was lost before the answer"));
  }

  /** All wait equally long, so those that are overdue come first. */
  #look(): void {
    const now = performance.now();
    for (const [number, { until, reject }] of this.#waiting) {
      if (until > now) break;
      this.#waiting.delete(number);
      reject(new Error("no answer in time"));
    }
    if (this.#waiting.size > 0 || this.#looking === null) return;
    clearInterval(this.#looking);
    this.#looking = null;
  }
}

const decoder = new TextDecoder();

function ackOf(data: Uint8Array): PublishAck {
  const { error, stream, seq, duplicate = false } = JSON.parse(decoder.decode(data)) as Answer;
  if (error !== undefined) throw new JetStreamApiError(error);
  if (stream === undefined || seq === undefined) throw new Error("an answer that is no acknowledgement");
  return { stream, sequence: seq, duplicate };
}
