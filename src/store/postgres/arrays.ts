/** What an element of an array may be once it is written as text: `quoted` text, a number, or NULL. */
export type ArrayElement = string | number;

/** The text of an array. What pg makes of a JavaScript array by itself takes several times as long. */
export function arrayText(elements: readonly ArrayElement[]): string {
  return `{${elements.join(",")}}`;
}

export function numberOrNull(value: number | null): ArrayElement {
  return value ?? "NULL";
}

const SPECIAL = /["\\\0]/;

/** A text as an element. U+0000, which no text column can hold, becomes U+FFFD. */
export function quoted(text: string): string {
  if (!SPECIAL.test(text)) return `"${text}"`;
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll("\0", "\uFFFD")}"`;
}

export function quotedOrNull(text: string | null): ArrayElement {
  return text === null ? "NULL" : quoted(text);
}

const BYTEA = 17;

/** A bytea[] as Postgres sends and takes it in binary (`array_recv`): as text each byte would take two, and time on both sides. */
export function bytesArray(elements: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(20);
  // One dimension, no null, the elements' type, how many, counted from 1.
  [1, 0, BYTEA, elements.length, 1].forEach((value, index) => head.writeInt32BE(value, 4 * index));
  const framed = elements.flatMap((bytes) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat([head, ...framed]);
}
