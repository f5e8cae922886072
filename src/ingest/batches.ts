import { type ReportReader, StreamGap, type StreamMessage } from "../jetstream/ports";
import type { DecidedBatch } from "./decideBatch";
import { cutAfterTicks } from "./ticks";

/**
 * The most messages in one commit. Only a backlog fills it: a large batch writes each page of SQLite's indexes once for many reports, and
 * a larger one would hold up everything else in the process for too long. The linger bounds what a quiet time costs.
 */
export const BATCH_MESSAGES_MAX = 8192;
export const BATCH_LINGER_MS = 2;

/** Messages that become one commit. */
export interface Batch {
  readonly messages: readonly StreamMessage[];
  /** What the stream had lost just before them. */
  readonly gaps: readonly StreamGap[];
  /** What they come to, if that is found out while the batch before is being committed; null when it must be decided in its turn. */
  decided: Promise<DecidedBatch | null> | null;
}

/** Cuts what a reader gives into batches. */
export class BatchReader {
  #cut: (readonly StreamMessage[])[] = [];

  constructor(private readonly reader: ReportReader) {}

  /** Null once stopped. One call at a time. Throws `Fault` (unavailable) as the reader does. */
  async next(): Promise<Batch | null> {
    const gaps: StreamGap[] = [];
    while (this.#cut.length === 0) {
      try {
        const messages = await this.reader.next(BATCH_MESSAGES_MAX, BATCH_LINGER_MS);
        if (messages.length === 0) return null;
        this.#cut = cutAfterTicks(messages);
      } catch (error) {
        if (!(error instanceof StreamGap)) throw error;
        gaps.push(error);
      }
    }
    return { messages: this.#cut.shift() as readonly StreamMessage[], gaps, decided: null };
  }
}
