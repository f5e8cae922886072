/** What the rest of the service knows of the broker. Implemented beside this file; `service.ts` connects them. */

/** A message in its place in a stream. */
export interface StreamMessage {
  readonly sequence: number;
  /** The last token of the subject: the sensor's id, or a reserved one. */
  readonly id: string;
  readonly subject: string;
  readonly payload: Uint8Array;
  /** JetStream's time, epoch milliseconds. */
  readonly timeMs: number;
  /** The same in nanoseconds, as decimal digits. Computed when asked: only a batch's last message needs it. */
  timeNs(): string;
  /** How many messages stood behind it when it was read. */
  pending(): number;
}

/** Where a reader begins: at the message that was committed last (which must be there, with this very time), or from the start. */
export interface StreamPosition {
  readonly cursor: number;
  readonly cursorTimeNs: string | null;
}

export type StreamStart =
  /** The committed message stands where it stood: what comes next is `cursor + 1`. */
  | { readonly kind: "continued" }
  /** It does not: the stream was recreated or truncated. Messages later than the cursor's time follow, from a new generation. */
  | { readonly kind: "newGeneration"; readonly detail: Readonly<Record<string, unknown>> };

/** Reads one partition's stream in order, without gaps, from a cursor that the caller keeps. */
export interface ReportReader {
  readonly start: StreamStart;
  /**
   * The next messages in order: waits for the first one, then up to `lingerMs` for more, at most `limit`. Empty once stopped.
   * Every sequence is the last + 1. Throws `StreamGap` when the stream has none such, `Fault` (unavailable) when the broker is away for good.
   */
  next(limit: number, lingerMs: number): Promise<StreamMessage[]>;
  /** Ends a waiting `next` with an empty batch. */
  stop(): Promise<void>;
}

/** The stream skipped a sequence: it lost something, or somebody deleted from it. */
export class StreamGap extends Error {
  override readonly name = "StreamGap";

  constructor(
    readonly expected: number,
    readonly found: number,
  ) {
    super(`sequence ${found} where ${expected} should stand`);
  }
}

export interface PublishAck {
  readonly stream: string;
  readonly sequence: number;
  readonly duplicate: boolean;
}

/** Puts a report into its partition's stream; resolves with JetStream's PubAck. Throws `Fault` (unavailable) when there is none. */
export interface ReportPublisher {
  publish(sensorId: string, payload: Uint8Array): Promise<PublishAck>;
}

/** A change as it goes to `CHANGES`. */
export interface OutgoingChange {
  readonly number: number;
  readonly sensorId: string;
  readonly body: string;
}

/** Appends a partition's changes to `CHANGES` in order; every change at most once, whatever is repeated. */
export interface ChangePublisher {
  /**
   * Appends what there is beyond the number `after`, in order; numbers are missing of changes that went with their sensor. Resolves with
   * the number up to which all is known to be in the stream: one before `after` where the stream has lost its end. Throws `Fault` (unavailable).
   */
  publish(changes: readonly OutgoingChange[], after: number): Promise<number>;
}
