import { Fault } from "../domain/fault";
import type { NatsLink } from "./connection";
import { unavailable } from "./faults";
import { type ReportReader, StreamGap, type StreamMessage, type StreamPosition, type StreamStart } from "./ports";
import { type MessageSource, openSource, type SourceStart } from "./source";

/** A second look at a message that seems to be missing: a new leader may have answered the first one. */
const LOOK_AGAIN_MS = 200;

/**
 * Reads a stream from a cursor and proves that it is the stream that the cursor belongs to: the committed message must stand where it
 * stood, with the time that it had, and every next sequence must be the last + 1. (A broker that lost its tail in a power cut uses
 * sequences again; what it then stores would pass for what was committed already.) Throws `Fault` (unavailable).
 */
export async function openReader(link: NatsLink, stream: string, position: StreamPosition): Promise<ReportReader> {
  const beginning = await findStart(link, stream, position);
  const source = await openSource(link, stream, beginning.from);
  return new CheckedReader({ link, stream, source, ...beginning });
}

/** Where the consumer begins, the sequence after which the first message must come (null: whichever comes first). */
interface Beginning {
  readonly start: StreamStart;
  readonly from: SourceStart;
  readonly after: number | null;
  /** This one comes first, and was committed before. */
  readonly committed: number | null;
}

async function findStart(link: NatsLink, stream: string, { cursor, cursorTimeNs }: StreamPosition): Promise<Beginning> {
  if (cursor === 0 || cursorTimeNs === null) return fromTheFirst(link, stream);
  const found = (await storedAt(link, stream, cursor)) ?? (await lookAgain(link, stream, cursor));
  // The consumer begins at the committed message itself, and sees it once more: nothing can come between this look and its start.
  if (found === cursorTimeNs)
    return { start: { kind: "continued" }, from: { kind: "sequence", sequence: cursor }, after: cursor - 1, committed: cursor };
  const { firstSequence, lastSequence } = await boundsOf(link, stream);
  const detail = { stream, foundTimeNs: found, firstSequence, lastSequence };
  return { start: { kind: "newGeneration", detail }, from: { kind: "time", time: timeAfter(cursorTimeNs) }, after: null, committed: null };
}

/** Nothing was committed yet. What was trimmed before is lost: somebody has put an empty database beside an old stream. */
async function fromTheFirst(link: NatsLink, stream: string): Promise<Beginning> {
  const { firstSequence, lastSequence } = await boundsOf(link, stream);
  if (firstSequence <= 1) return { start: { kind: "continued" }, from: { kind: "all" }, after: 0, committed: null };
  return {
    start: { kind: "newGeneration", detail: { stream, firstSequence, lastSequence } },
    from: { kind: "all" },
    after: null,
    committed: null,
  };
}

async function boundsOf(link: NatsLink, stream: string): Promise<{ firstSequence: number; lastSequence: number }> {
  try {
    const { state } = await link.answered(() => link.api.streams.info(stream));
    return { firstSequence: state.first_seq, lastSequence: state.last_seq };
  } catch (error) {
    throw unavailable(`${stream} cannot be read`, error);
  }
}

/** The time of the message with this sequence in nanoseconds, as digits; null when there is none. */
export async function storedAt(link: NatsLink, stream: string, sequence: number): Promise<string | null> {
  try {
    const message = await link.answered(() => link.api.streams.getMessage(stream, { seq: sequence }));
    return message === null ? null : nanosecondsOf(message.timestamp);
  } catch (error) {
    throw unavailable(`message ${sequence} of ${stream} cannot be looked up`, error);
  }
}

async function lookAgain(link: NatsLink, stream: string, sequence: number): Promise<string | null> {
  await Bun.sleep(LOOK_AGAIN_MS);
  return storedAt(link, stream, sequence);
}

/** RFC 3339 with up to nine digits of a second, in UTC, to decimal digits. */
export function nanosecondsOf(timestamp: string): string {
  const fraction = /\.(\d{1,9})/.exec(timestamp)?.[1] ?? "";
  const seconds = Math.floor(Date.parse(timestamp.replace(/\.\d+/, "")) / 1000);
  return `${seconds}${fraction.padEnd(9, "0")}`;
}

/** The moment after a time given in nanoseconds, as RFC 3339. */
export function timeAfter(nanoseconds: string): string {
  const after = String(BigInt(nanoseconds) + 1n);
  const seconds = Number(after.slice(0, -9));
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${after.slice(-9)}Z`;
}

interface ReaderParts extends Beginning {
  readonly link: NatsLink;
  readonly stream: string;
  readonly source: MessageSource;
}

class CheckedReader implements ReportReader {
  readonly start: StreamStart;
  #last: number | null;
  /** Read, but beyond a gap that was not yet told. */
  #beyond: StreamMessage[] = [];
  #stopped = false;

  constructor(private readonly parts: ReaderParts) {
    this.start = parts.start;
    this.#last = parts.after;
  }

  async next(limit: number, lingerMs: number): Promise<StreamMessage[]> {
    while (!this.#stopped) {
      const messages = this.#beyond.length > 0 ? this.#beyond : await this.parts.source.next(limit, lingerMs);
      this.#beyond = [];
      if (messages.length === 0) break;
      const taken = await this.#inOrder(messages);
      if (taken.length > 0) return taken;
    }
    return [];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.parts.source.stop();
  }

  /** The messages up to the first gap; a gap at their very beginning is thrown, once. */
  async #inOrder(messages: StreamMessage[]): Promise<StreamMessage[]> {
    const from = messages[0]?.sequence === this.parts.committed ? 1 : 0;
    for (let index = 0; index < messages.length; index += 1) {
      const { sequence } = messages[index] as StreamMessage;
      if (this.#last === null || sequence === this.#last + 1) {
        this.#last = sequence;
        continue;
      }
      this.#beyond = messages.slice(index);
      if (index > from) return messages.slice(from, index);
      await this.#tellGap(this.#last + 1, sequence);
    }
    return from === 0 ? messages : messages.slice(from);
  }

  /** The stream itself has the last word: a consumer may skip what is there. */
  async #tellGap(expected: number, found: number): Promise<never> {
    const { link, stream } = this.parts;
    if (found < expected || (await storedAt(link, stream, expected)) !== null) {
      throw new Fault("unavailable", `the consumer of ${stream} gave ${found} after ${expected - 1}; it is made once more`);
    }
    this.#last = found - 1;
    throw new StreamGap(expected, found);
  }
}
