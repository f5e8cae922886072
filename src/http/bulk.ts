/** A request that holds many items: each is taken in or refused by itself, and the answer tells of each. */
import { type TSchema, Type } from "@sinclair/typebox";
import { nextTurn } from "../nextTurn";
import { ArrayCutter, type Cut, type Cutter, LineCutter } from "./cutting";
import { ItemResults } from "./itemResults";
import { Refusal } from "./problems";
import type { BrokenOff, StreamedBody } from "./streamedBody";

export const BULK_ITEMS_MAX = 50_000;
export const BULK_BYTES_MAX = 64 * 1024 * 1024;
/** At once on this node; each holds what became of its items until its answer is read. */
export const BULK_REQUESTS_MAX = 32;
/** Who does not read an answer to its end in this time frees its place all the same. */
const ANSWER_MS_MAX = 5 * 60 * 1000;
const ANSWER_CHUNK_CHARS = 32 * 1024;
/** Other requests get their turn after so many items. */
const TURN_ITEMS = 256;

export const NDJSON_TYPE = "application/x-ndjson";
export const LINE_TYPES: readonly string[] = [NDJSON_TYPE, "application/jsonl"];

/** What takes the items of one request in. */
export interface Intake {
  /** Takes items in, in their order. Resolves when it would take more, and rejects only with what would stop any. */
  take(items: readonly Cut[], first: number): Promise<void>;
  /** Every item that was taken has its result afterwards. */
  settled(): Promise<void>;
}

export interface BulkWish {
  readonly body: StreamedBody;
  readonly itemBytesMax: number;
  /** The items that were refused, and how many were not. */
  readonly minimal: boolean;
  readonly intake: (results: ItemResults) => Intake;
  /**
   * Of the answer, once the body was begun. It does not depend on the items: a client or a proxy that sees a failure may send all of it
   * again, and what was accepted stays accepted. Each item has a status of its own.
   */
  readonly status: 200 | 202;
}

/** Serves bulk requests, so many at once. */
export class BulkDesk {
  #served = 0;

  /** Throws {@link Refusal}: 429 when too many are served, 400 or 413 when no item of the body could be read. */
  async serve(wish: BulkWish): Promise<Response> {
    if (this.#served >= BULK_REQUESTS_MAX) throw new Refusal(429, `${BULK_REQUESTS_MAX} bulk requests are served already.`);
    this.#served += 1;
    let free = () => {
      this.#served -= 1;
      free = () => {};
    };
    try {
      const results = new ItemResults();
      const stopped = await takeIn(wish, results);
      if (stopped !== null && results.count === 0) throw new Refusal(stopped.status, stopped.detail);
      return answerOf(wish, { results, stopped }, () => free());
    } catch (error) {
      free();
      throw error;
    }
  }
}

/** Gives why not all of the body was read, null if it was. */
async function takeIn({ body, itemBytesMax, intake: open }: BulkWish, results: ItemResults): Promise<BrokenOff | null> {
  const cutter: Cutter = LINE_TYPES.includes(body.type) ? new LineCutter(itemBytesMax) : new ArrayCutter(itemBytesMax);
  const intake = open(results);
  const chunks = body.read();
  try {
    return await takeChunks();
  } finally {
    await intake.settled();
    await chunks.return(null);
  }

  async function takeChunks(): Promise<BrokenOff | null> {
    for (;;) {
      const { done, value } = await chunks.next();
      if (done === true && value !== null) return value;
      const end = done === true;
      if (!end) cutter.feed(value);
      const full = await takeCuts(end);
      if (full !== null || end) return full;
    }
  }

  async function takeCuts(end: boolean): Promise<BrokenOff | null> {
    for (;;) {
      const cuts: Cut[] = [];
      if (end) cutter.end(cuts);
      else cutter.cut(cuts, TURN_ITEMS);
      const room = BULK_ITEMS_MAX - results.count;
      const taken = cuts.length > room ? cuts.slice(0, room) : cuts;
      if (taken.length > 0) await intake.take(taken, results.add(taken.length));
      if (taken.length < cuts.length) return { status: 413, detail: `A request may hold ${BULK_ITEMS_MAX} items; the rest was not read.` };
      if (cutter.fault !== null) return { status: 400, detail: `The body is not a JSON array: ${cutter.fault}.` };
      if (end || cuts.length < TURN_ITEMS) return null;
      await nextTurn();
    }
  }
}

interface Outcome {
  readonly results: ItemResults;
  readonly stopped: BrokenOff | null;
}

function answerOf({ body, minimal, status }: BulkWish, outcome: Outcome, free: () => void): Response {
  const lines = LINE_TYPES.includes(body.type);
  const pieces = chunksOf(lines ? linesOf(outcome, minimal) : arrayOf(outcome, minimal));
  const [first, second] = [pieces.next().value ?? "", pieces.next().value ?? ""];
  const rest = second === "" ? first : streamOf([first, second], pieces, free);
  if (second === "") free();
  return new Response(rest, {
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
  const late = setTimeout(free, ANSWER_MS_MAX);
  const end = () => {
    clearTimeout(late);
    free();
  };
  return new ReadableStream<Uint8Array>({
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

/** RFC 7240. */
export function wantsMinimal(headers: Headers): boolean {
  return (headers.get("prefer") ?? "").split(",").some((preference) => /^\s*return\s*=\s*"?minimal"?\s*(;|$)/i.test(preference));
}

const FieldErrors = Type.Array(
  Type.Object({ pointer: Type.String({ description: "JSON pointer into the item." }), message: Type.String() }),
);
const Stopped = Type.Union([Type.Object({ status: Type.Integer(), detail: Type.String() }), Type.Null()], {
  description: "Why the body was not read to its end. The items that are told of were dealt with, none after them was.",
});
const Counts = { accepted: Type.Integer(), refused: Type.Integer(), stopped: Stopped };

const Refused = Type.Object(
  {
    index: Type.Integer({ description: "The item's place in the request, from 0." }),
    status: Type.Integer({ description: "What the item alone would have been answered." }),
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
