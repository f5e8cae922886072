/** The one cursor of changes, which lists and streams share. */

/** A place in the log of changes: for each partition, the number up to which changes lie before it; 0 where one is missing. */
export type ChangeCursor = readonly number[];

/** What lets a cursor of changes be told from those of other lists, which begin with other letters. */
const MARK = "c1";
const LOW_BITS = 0x80;

/** Long enough for as many partitions as there can be. */
export const CHANGE_CURSOR_CHARS_MAX = 8192;

/** Opaque to callers: letters, digits, `-` and `_`. Numbers as base-128 groups, the low ones first, as base64url. */
export function encodeChangeCursor(cursor: ChangeCursor): string {
  const bytes: number[] = [];
  for (let reached of cursor) {
    for (; reached >= LOW_BITS; reached = Math.floor(reached / LOW_BITS)) bytes.push((reached % LOW_BITS) | LOW_BITS);
    bytes.push(reached);
  }
  return MARK + Buffer.from(bytes).toString("base64url");
}

/** Null for what {@link encodeChangeCursor} did not give. */
export function parseChangeCursor(text: string): ChangeCursor | null {
  if (!text.startsWith(MARK) || text.length > CHANGE_CURSOR_CHARS_MAX || !/^[A-Za-z0-9_-]*$/.test(text)) return null;
  const cursor: number[] = [];
  let [number, unit] = [0, 1];
  for (const byte of Buffer.from(text.slice(MARK.length), "base64url")) {
    number += (byte % LOW_BITS) * unit;
    unit *= LOW_BITS;
    if (number > Number.MAX_SAFE_INTEGER) return null;
    if (byte >= LOW_BITS) continue;
    cursor.push(number);
    [number, unit] = [0, 1];
  }
  return unit === 1 ? cursor : null;
}

/** Whether everything that lies before `other` lies before `cursor`, too. */
export function isBeyond(cursor: ChangeCursor, other: ChangeCursor): boolean {
  return other.every((reached, partition) => (cursor[partition] ?? 0) >= reached);
}

/** A copy that can be moved on, partition by partition; it has no holes. */
export function movable(cursor: ChangeCursor): number[] {
  return [...cursor];
}

/** Moves a {@link movable} cursor. */
export function moveTo(cursor: number[], partition: number, reached: number): void {
  while (cursor.length <= partition) cursor.push(0);
  cursor[partition] = reached;
}
