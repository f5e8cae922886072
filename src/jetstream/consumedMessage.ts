import type { MsgImpl } from "@nats-io/transport-node";
import type { StreamMessage } from "./ports";

const MS_NS = 1_000_000;

/** A consumer's message as the rest of the service sees it. */
export class ConsumedMessage implements StreamMessage {
  readonly id: string;
  readonly timeMs: number;

  constructor(
    readonly sequence: number,
    readonly subject: string,
    readonly payload: Uint8Array,
    private readonly nanoseconds: string,
    private readonly behind: string,
    /** As the broker counts it against a request: subject, reply subject, headers and payload. */
    readonly bytes: number,
  ) {
    this.id = subject.slice(subject.lastIndexOf(".") + 1);
    // In a double, as the client rounds it for everybody: the exact time may be a millisecond earlier.
    this.timeMs = Math.floor(Number(nanoseconds) / MS_NS);
  }

  timeNs(): string {
    return this.nanoseconds;
  }

  pending(): number {
    return Number.parseInt(this.behind, 10);
  }
}

/**
 * Reads the messages of a consumer. Their place stands in the reply subject: `$JS.ACK.….<consumer>.<times delivered>.<sequence in the
 * stream>.<sequence in the consumer>.<time in nanoseconds>.<pending>`; what comes before the consumer differs between servers, and newer
 * ones add a token at the end (nats-architecture-and-design, ADR-15). Gives null for a message without a place.
 */
export function createMessageReader(consumer: string): (message: MsgImpl) => ConsumedMessage | null {
  const mark = `.${consumer}.`;
  return (message) => {
    const { reply } = message;
    const found = reply.indexOf(mark);
    const sequence = reply.indexOf(".", found + mark.length) + 1;
    const inConsumer = reply.indexOf(".", sequence) + 1;
    const time = reply.indexOf(".", inConsumer) + 1;
    const pending = reply.indexOf(".", time) + 1;
    const isPlaced = found !== -1 && sequence > found && inConsumer > sequence && time > inConsumer && pending > time;
    if (!isPlaced) return null;
    const place = Number(reply.slice(sequence, inConsumer - 1));
    return new ConsumedMessage(place, message.subject, message.data, reply.slice(time, pending - 1), reply.slice(pending), message.size());
  };
}
