/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), as bytes. */

import type { ChangeData } from "../domain/change";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ID = "id: ";
const CHANGE = "event: change\ndata: ";
const END = "\n\n";

/** How the last word of a stream is called, when it is not the client that ends it. */
export type Ending = "slow" | "shutdown" | "unauthorized";

export interface ChangeFrame {
  readonly bytes: Uint8Array;
  /** Where the id ends: what follows is the same for every watcher. */
  readonly rest: number;
}

/** `data` is JSON on one line. */
export function changeFrame(cursor: string, data: string): ChangeFrame {
  const head = idLine(cursor);
  return { bytes: encoder.encode(head + CHANGE + data + END), rest: head.length };
}

export function cursorOf({ bytes, rest }: ChangeFrame): string {
  return decoder.decode(bytes.subarray(ID.length, rest - 1));
}

export function changeOf({ bytes, rest }: ChangeFrame): ChangeData {
  return JSON.parse(decoder.decode(bytes.subarray(rest + CHANGE.length, bytes.length - END.length))) as ChangeData;
}

/** A change under another id. */
export function renamed({ bytes, rest }: ChangeFrame, cursor: string): Uint8Array {
  return joined([encoder.encode(idLine(cursor)), bytes.subarray(rest)]);
}

/** Moves the client's last event id on although there is nothing to tell; keeps the connection from looking idle. */
export function beatFrame(cursor: string): Uint8Array {
  return encoder.encode(`: \n${idLine(cursor)}\n`);
}

/** What a stream begins with. */
export function openingFrame(cursor: string, retryMs: number): Uint8Array {
  return encoder.encode(`retry: ${retryMs}\n${idLine(cursor)}\n`);
}

/** `missed`: how many changes are no longer kept, null where nobody can tell. */
export function gapFrame(cursor: string, missed: number | null, detail: string): Uint8Array {
  return encoder.encode(`${idLine(cursor)}event: gap\ndata: ${JSON.stringify({ missed, detail })}\n\n`);
}

/** Without an id: the last one stays, to go on from. */
export function endingFrame(ending: Ending, cursor: string, detail: string): Uint8Array {
  return encoder.encode(`event: ${ending}\ndata: ${JSON.stringify({ cursor, detail })}\n\n`);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function idLine(cursor: string): string {
  return `${ID}${cursor}\n`;
}
