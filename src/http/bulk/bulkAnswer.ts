/** How the answer to a request of many items is written, and told of in the document. */
import { type TSchema, Type } from "@sinclair/typebox";
import type { ItemResults } from "./itemResults";
import type { BrokenOff } from "../gate/streamedBody";

/** An answer that is not read to its end in this time is broken off: what is kept for it holds one of few places. */
const ANSWER_MS_MAX = 5 * 60 * 1000;
const ANSWER_CHUNK_CHARS = 32 * 1024;

export const NDJSON_TYPE = "application/x-ndjson";
const LINE_TYPES: readonly string[] = [NDJSON_TYPE, "application/jsonl"];

/** Whether a body of this type has an item a line; otherwise it is a JSON array. */
export function isLines(type: string): boolean {
  return LINE_TYPES.includes(type);
}

/** What became of a request. */
export interface Outcome {
  readonly results: ItemResults;
  /** Why its body was not read to the end; null when it was. */
  readonly stopped: BrokenOff | null;
}

export interface AnswerWish {
  readonly status: 200 | 202;
  /** In the form of the request. */
  readonly lines: boolean;
  /** Only the items that were refused, beside the counts. */
  readonly minimal: boolean;
  /** Called once nothing is kept for it any more. */
  readonly free: () => void;
}

export function answerOf(outcome: Outcome, { status, lines, minimal, free }: AnswerWish): Response {
  const pieces = chunksOf(lines ? linesOf(outcome, minimal) : arrayOf(outcome, minimal));
  const [first, second] = [pieces.next().value ?? "", pieces.next().value];
  if (second === undefined) free();
  return new Response(second === undefined ? first : streamOf([first, second], pieces, free), {
    status,
    headers: {
      "content-type": lines ? NDJSON_TYPE : "application/json",
      ...(minimal ? { "preference-applied": "return=minimal" } : {}),
    },
  });
}

/** Written only as it is read, from what little is kept of each item. */
function streamOf(begun: string[], pieces: Generator<string, undefined>, free: () => void): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let late: Timer | null = null;
  const end = () => {
    if (late !== null) clearTimeout(late);
    free();
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      late = setTimeout(() => {
        controller.error(new Error("the answer was not read in time"));
        end();
      }, ANSWER_MS_MAX);
    },
    pull(controller) {
      const piece = begun.shift() ?? pieces.next().value;
      if (piece !== undefined) return controller.enqueue(encoder.encode(piece));
      controller.close();
      end();
    },
    cancel: end,
  });
}

function* chunksOf(pieces: Iterable<string>): Generator<string, undefined> {
  let text = "";
  for (const piece of pieces) {
    text += piece;
    if (text.length < ANSWER_CHUNK_CHARS) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}

function* linesOf({ results, stopped }: Outcome, minimal: boolean): Generator<string> {
  for (let index = 0; index < results.count; index += 1) if (!minimal || results.isRefused(index)) yield `${results.textOf(index)}\n`;
  yield `${JSON.stringify({ accepted: results.accepted, refused: results.refused, stopped })}\n`;
}

function* arrayOf({ results, stopped }: Outcome, minimal: boolean): Generator<string> {
  yield `${JSON.stringify({ accepted: results.accepted, refused: results.refused, stopped }).slice(0, -1)},"items":[`;
  let comma = "";
  for (let index = 0; index < results.count; index += 1) {
    if (minimal && !results.isRefused(index)) continue;
    yield comma + results.textOf(index);
    comma = ",";
  }
  yield "]}";
}

const FieldErrors = Type.Array(
  Type.Object({ pointer: Type.String({ description: "JSON pointer into the item." }), message: Type.String() }),
);
const Stopped = Type.Union([Type.Object({ status: Type.Integer(), detail: Type.String() }), Type.Null()], {
  description: "Why the body was not read to its end. The items listed were processed, none after them was.",
});
const Counts = { accepted: Type.Integer(), refused: Type.Integer(), stopped: Stopped };

const Refused = Type.Object(
  {
    index: Type.Integer({ description: "The item's place in the request, from 0." }),
    status: Type.Integer({ description: "The status that the item would have got in a request of its own." }),
    errors: FieldErrors,
    detail: Type.String(),
  },
  { $id: "RefusedItem" },
);
const Summary = Type.Object(Counts, { $id: "BulkSummary", description: "The last line." });

/** The answers to a request of `type` items, in both forms. */
export function bulkAnswers(accepted: TSchema, name: string): { json: TSchema; lines: TSchema } {
  return {
    json: Type.Object({ ...Counts, items: Type.Array(Type.Union([accepted, Refused])) }, { $id: name }),
    lines: Type.Union([accepted, Refused, Summary]),
  };
}
