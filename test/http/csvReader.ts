/** Reads CSV by RFC 4180, strictly: what a quoted field may hold, and that each line ends by CRLF. Null for an empty field without quotes. */
export function readCsv(text: string): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let row: (string | null)[] = [];
  for (let at = 0; at < text.length;) {
    const { field, next } = text[at] === '"' ? quotedField(text, at) : plainField(text, at);
    row.push(field);
    if (text[next] === ",") {
      at = next + 1;
      // A comma before the line's end leaves one more field, which is empty.
      if (text.startsWith("\r\n", at)) {
        row.push(null);
        rows.push(row);
        [row, at] = [[], at + 2];
      }
    } else if (text.startsWith("\r\n", next)) {
      rows.push(row);
      [row, at] = [[], next + 2];
    } else throw new Error(`neither a comma nor CRLF at ${next}: ${JSON.stringify(text.slice(next, next + 20))}`);
  }
  if (row.length > 0) throw new Error("the last line has no end");
  return rows;
}

function plainField(text: string, at: number): { field: string | null; next: number } {
  let next = at;
  while (next < text.length && text[next] !== "," && text[next] !== "\r") {
    if (text[next] === '"' || text[next] === "\n") throw new Error(`${JSON.stringify(text[next])} outside of quotes at ${next}`);
    next += 1;
  }
  return { field: next === at ? null : text.slice(at, next), next };
}

function quotedField(text: string, at: number): { field: string; next: number } {
  let field = "";
  for (let next = at + 1; ; next += 1) {
    if (next >= text.length) throw new Error(`a quote at ${at} has no end`);
    if (text[next] !== '"') field += text[next];
    else if (text[next + 1] === '"') {
      field += '"';
      next += 1;
    } else return { field, next: next + 1 };
  }
}

/** Takes away the apostrophe that stands in front of what a spreadsheet might take for a formula. */
export function unmarked(field: string | null): string | null {
  return field?.startsWith("'") === true ? field.slice(1) : field;
}
