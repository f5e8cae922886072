import { Fault } from "../domain/fault";
import type { Page } from "./store";

/** Where a page ended: the list that it belongs to, and the values of the last row that its order goes by. */
type CursorValue = string | number;
type Shape = readonly ("string" | "number")[];

export function encodeCursor(list: string, values: readonly CursorValue[]): string {
  return Buffer.from(JSON.stringify([list, ...values])).toString("base64url");
}

/** Null for the first page. Throws `invalid` (pointer /cursor) for what {@link toPage} did not give for this very list. */
export function decodeCursor<Values extends readonly CursorValue[]>(cursor: string | null, list: string, shape: Shape): Values | null {
  if (cursor === null) return null;
  const values = parse(cursor);
  const fits = Array.isArray(values) && values.length === shape.length + 1 && values[0] === list;
  if (fits && shape.every((type, index) => isOfType(values[index + 1], type))) return values.slice(1) as unknown as Values;
  throw new Fault("invalid", "The cursor does not come from this list.", {
    errors: [{ pointer: "/cursor", message: "must be the nextCursor of a page of this list" }],
  });
}

/** A page of `rows`, of which one more than `limit` were asked for: the one too many says that there is a next page. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  { limit, list, key, item }: { limit: number; list: string; key: (row: Row) => readonly CursorValue[]; item: (row: Row) => Item },
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const nextCursor = rows.length > limit && last !== undefined ? encodeCursor(list, key(last)) : null;
  return { items: shown.map(item), nextCursor };
}

function parse(cursor: string): unknown {
  if (!/^[A-Za-z0-9_-]{1,1024}$/.test(cursor)) return null;
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
  } catch {
    return null;
  }
}

function isOfType(value: unknown, type: "string" | "number"): boolean {
  // A database's text cannot hold U+0000.
  return type === "number" ? Number.isSafeInteger(value) : typeof value === "string" && !value.includes("\0");
}
