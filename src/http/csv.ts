/**
 * Lines of CSV by RFC 4180, UTF-8, ended by CRLF. A text that a spreadsheet might take for a formula, or that begins with an apostrophe,
 * gets an apostrophe in front; whoever reads it as data takes one away from each text that begins with one. (OWASP, CSV Injection.)
 */
export type Cell = string | number | null;

export const CSV_TYPE = "text/csv; charset=utf-8; header=present";

/** Full-width signs count as plain ones where Excel runs in an East Asian language. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/;
const MARKED = /^['\t\r\n]/;
const QUOTED = /[",\r\n]/;

/** Null is nothing at all; a text without characters is `""`. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(cellText).join(",")}\r\n`;
}

function cellText(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const text = FORMULA.test(cell) || MARKED.test(cell) ? `'${cell}` : cell;
  return text === "" || QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
