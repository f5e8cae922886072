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

/** Bytes as an element of bytea[]. */
export function quotedBytes(bytes: Uint8Array): string {
  return String.raw`"\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}"`;
}
