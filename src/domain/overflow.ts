/** Numbers that no double holds: JSON has a way to write them, and reading one gives an infinity, which JSON has no way to write. */

export const TOO_LARGE = "is a number beyond ±1.8e308, which could not be kept";
/** A longer pointer, or one that a text cannot hold, is not told. */
const POINTER_CHARS_MAX = 256;

/** The JSON pointer to the first of them within a value that was read from JSON; "" where that cannot be told, null for none. */
export function overflowIn(value: unknown): string | null {
  const found = pathTo(value);
  if (found === null) return null;
  const pointer = found.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return pointer.length <= POINTER_CHARS_MAX && pointer.isWellFormed() && !pointer.includes("\0") ? pointer : "";
}

function pathTo(value: unknown): string[] | null {
  if (typeof value === "number") return Number.isFinite(value) ? null : [];
  if (typeof value !== "object" || value === null) return null;
  for (const [name, inside] of Object.entries(value)) {
    const path = pathTo(inside);
    if (path !== null) return [name, ...path];
  }
  return null;
}
