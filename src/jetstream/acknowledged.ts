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
  const waiting = new Map<number, Waiting>();
  const inbox = createInbox();
  let asked: number[] = [];
  let count = 0;
  let hearing = false;
  let looking: Timer | null = null;

  function hear(): void {
    hearing = true;
    link.connection.subscribe(`${inbox}.*`, {
      callback(error, message) {
        if (error !== null) return;
        const number = Number(message.subject.slice(inbox.length + 1));
        if (message.data.length === 0 && message.headers?.code === NO_RESPONDERS) retry(number);
        else settle(number, message.data);
      },
    });
    link.onLoss(() => failAll("the connection to NATS was lost before the answer"));
  }

  function settle(number: number, data: Uint8Array): void {
    const one = waiting.get(number);
    if (one === undefined) return;
    waiting.delete(number);
    try {
      one.resolve(ackOf(data));
    } catch (error) {
      one.reject(error);
    }
  }

  function retry(number: number): void {
    const one = waiting.get(number);
    if (one === undefined) return;
    if (one.tries === TRIES) {
      waiting.delete(number);
      one.reject(new Error("no stream takes it"));
      return;
    }
    one.tries += 1;
    setTimeout(() => {
      if (waiting.has(number)) send(number, one);
    }, RETRY_MS);
  }

  function send(number: number, one: Waiting): void {
    try {
      link.connection.publish(one.subject, one.payload, { reply: `${inbox}.${number}` });
    } catch (error) {
      waiting.delete(number);
      one.reject(error);
    }
  }

  function sendAsked(): void {
    const due = asked;
    asked = [];
    // Meanwhile the connection may be gone, and the client would keep for later what has been answered for by then.
    for (const number of due) {
      const one = waiting.get(number);
      if (one !== undefined) send(number, one);
    }
  }

  function failAll(reason: string): void {
    const lost = [...waiting.values()];
    waiting.clear();
    for (const { reject } of lost) reject(new Fault("unavailable", reason));
  }

  /** They wait in the order in which they were asked for, and all of them equally long. */
  function look(): void {
    const now = performance.now();
    for (const [number, { until, reject }] of waiting) {
      if (until > now) break;
      waiting.delete(number);
      reject(new Error("no answer in time"));
    }
    if (waiting.size > 0 || looking === null) return;
    clearInterval(looking);
    looking = null;
  }

  return (subject, payload) => {
    if (!link.isConnected()) return Promise.reject(new Fault("unavailable", "not connected to NATS"));
    if (!hearing) hear();
    looking ??= setInterval(look, LOOK_EVERY_MS);
    return new Promise((resolve, reject) => {
      const number = count;
      count += 1;
      waiting.set(number, { subject, payload, until: performance.now() + API_TIMEOUT_MS, tries: 1, resolve, reject });
      if (asked.push(number) === 1) setImmediate(sendAsked);
    });
  };
}

const decoder = new TextDecoder();

function ackOf(data: Uint8Array): PublishAck {
  const { error, stream, seq, duplicate = false } = JSON.parse(decoder.decode(data)) as Answer;
  if (error !== undefined) throw new JetStreamApiError(error);
  if (stream === undefined || seq === undefined) throw new Error("an answer that is no acknowledgement");
  return { stream, sequence: seq, duplicate };
}
