import type { DeadLetterRecord } from "./store";

/** A page ends early where its payloads reach this: dead letters may be as large as a message can be. */
export const PAGE_PAYLOAD_BYTES_MAX = 4 * 1024 * 1024;
/** Where a list begins: received at, stream, sequence. */
export const FROM_THE_NEWEST: [number, string, number] = [Number.MAX_SAFE_INTEGER, "", 0];

/** A row as it is read by hand. */
export interface DeadLetterFields {
  readonly id: string;
  readonly stream: string;
  readonly sequence: number;
  readonly subject: string;
  readonly received_at: number;
  readonly reason: string;
  readonly payload: Buffer;
}

/** A message's place and time: a stream that was recreated counts its sequences anew, but not within the same millisecond. */
export function deadLetterId(stream: string, sequence: number, receivedAt: number): string {
  return `dl_${stream}_${sequence}_${receivedAt.toString(36)}`;
}

export function deadLetterOf({ received_at: receivedAt, payload, ...row }: DeadLetterFields): DeadLetterRecord {
  return { ...row, receivedAt, payload: new Uint8Array(payload) };
}
