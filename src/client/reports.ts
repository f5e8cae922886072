import { TocsinProblem } from "./problem";
import type { AcceptedReport, BulkSummary, RefusedItem, ReportItem } from "./schema";
import type { Transport } from "./transport";
import type { AnyOptions } from "./types";

const ITEMS_DEFAULT = 1000;
/** A request is sent when its items take so much, however few they are. */
const REQUEST_CHARS_MAX = 8 * 1024 * 1024;

export interface ReportsOptions extends AnyOptions {
  /** The most reports in one request. */
  readonly itemsPerRequest?: number;
}

/** `index` counts from the first of all reports. */
export type ReportResult = AcceptedReport | RefusedItem;
type Line = ReportResult | BulkSummary;

/**
 * Sends reports as they come, many in one request, and gives what became of each, in their order: where the broker holds it, or why it was refused (`errors`).
 * Nothing is sent but what is asked for: read it to its end. Throws a `TocsinProblem` when a request was refused as a whole.
 */
export async function* reports(
  transport: Transport,
  items: Iterable<ReportItem> | AsyncIterable<ReportItem>,
  { itemsPerRequest = ITEMS_DEFAULT, signal }: ReportsOptions,
): AsyncGenerator<ReportResult, void> {
  let first = 0;
  for await (const lines of inRequests(items, itemsPerRequest)) {
    const options = { body: `${lines.join("\n")}\n`, signal };
    const answer = (await transport.call({ method: "POST", path: "/v1/reports", options })) as string;
    for (const text of answer.split("\n")) {
      if (text === "") continue;
      const line = JSON.parse(text) as Line;
      if ("index" in line) yield { ...line, index: first + line.index };
      else if (line.stopped !== null) throw new TocsinProblem(line.stopped);
    }
    first += lines.length;
  }
}

/** Reports as lines, as many as go into a request. */
async function* inRequests(items: Iterable<ReportItem> | AsyncIterable<ReportItem>, itemsMax: number): AsyncGenerator<string[], void> {
  let lines: string[] = [];
  let chars = 0;
  for await (const item of items) {
    const line = JSON.stringify(item);
    lines.push(line);
    chars += line.length;
    if (lines.length < itemsMax && chars < REQUEST_CHARS_MAX) continue;
    yield lines;
    lines = [];
    chars = 0;
  }
  if (lines.length > 0) yield lines;
}
