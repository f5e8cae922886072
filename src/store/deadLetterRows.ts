import type { DeadLetterRecord, Page } from "./store";

/** A page ends early where its payloads reach this: dead letters may be as large as a message can be. */
export const PAGE_PAYLOAD_BYTES_MAX = 4 * 1024 * 1024;
/** Received at, stream, sequence. */
export type LetterPlace = [number, string, number];
/** Where a list begins. */
export const FROM_THE_NEWEST: LetterPlace = [Number.MAX_SAFE_INTEGER, "", 0];
/** Before every dead letter. */
export const FROM_THE_OLDEST: LetterPlace = [-1, "", 0];

/** A row as it is read by hand. */
export interface DeadLetterFields {
  readonly id: string;
  readonly stream: string;
  readonly sequence: number;
  readonly subject: string;
  readonly received_at: number;
  readonly recorded_at: number;
  readonly reason: string;
  readonly payload: Buffer;
}

/** A message's place and time: a stream that was recreated counts its sequences anew, but not within the same millisecond. */
export function deadLetterId(stream: string, sequence: number, receivedAt: number): string {
  return `dl_${stream}_${sequence}_${receivedAt.toString(36)}`;
}

const MAPPED = "reports.";

/** Of which sensor a message speaks that came under this subject, if of any: a partition's subject ends with it, one of sensors goes on. */
export function sensorOfSubject(subject: string): string {
  const parts = subject.split(".");
  return (subject.startsWith(MAPPED) ? parts[3] : parts[1]) ?? "";
}

/** Until when what was recorded of a sensor is to go; undefined where nothing is. */
export type ErasedBefore = (sensorId: string) => number | undefined;

/** Not what was sent for a sensor that was deleted with its history since. */
export function isShown({ subject, recorded_at: recordedAt }: DeadLetterFields, erasedBefore: ErasedBefore): boolean {
  return recordedAt >= (erasedBefore(sensorOfSubject(subject)) ?? 0);
}

/** What is shown of a page that was looked at. */
export function shownLetters({ items, nextCursor }: Page<DeadLetterFields>, erasedBefore: ErasedBefore): Page<DeadLetterRecord> {
  return { items: items.filter((row) => isShown(row, erasedBefore)).map(deadLetterOf), nextCursor };
}

export function deadLetterOf({ received_at: receivedAt, recorded_at: _, payload, ...row }: DeadLetterFields): DeadLetterRecord {
  return { ...row, receivedAt, payload: new Uint8Array(payload) };
}
