/** A request that holds many items: each is taken in or refused by itself, and the answer tells of each. */
import { nextTurn } from "../../nextTurn";
import { answerOf, isLines } from "./bulkAnswer";
import { ArrayCutter, type Cut, type Cutter, LineCutter } from "./cutting";
import { ItemResults } from "./itemResults";
import { Places } from "../places";
import { Refusal } from "../problems";
import type { BrokenOff, StreamedBody } from "../gate/streamedBody";

export const BULK_ITEMS_MAX = 50_000;
export const BULK_BYTES_MAX = 64 * 1024 * 1024;
/** Of a body so many bytes are cut into items and taken in before other requests get their turn, however few or many those are. */
const TURN_BYTES_MAX = 512 * 1024;
/** At once on this node; each holds what became of its items until its answer is read. */
export const BULK_REQUESTS_MAX = 32;
/** And so many of one caller. */
export const BULK_REQUESTS_PER_CALLER_MAX = 16;

/** What takes the items of one request in. */
export interface Intake {
  /** So many items at most; other requests get their turn behind them. */
  readonly atOnce: number;
  /** Takes items in, in their order. Resolves when it would take more, and rejects only with what would stop any. */
  take(items: readonly Cut[], first: number): Promise<void>;
  /** Every item that was taken has its result afterwards. */
  settled(): Promise<void>;
}

export interface BulkWish {
  /** Whose it is; see {@link Places}. */
  readonly holder: string;
  readonly body: StreamedBody;
  readonly itemBytesMax: number;
  /** The items that were refused, and how many were not. */
  readonly minimal: boolean;
  readonly intake: (results: ItemResults) => Intake;
  /** Told before items are taken in: one for each hundred begun. Resolves when they may be. */
  readonly charge: (hundreds: number) => Promise<void>;
  /** Whether who asks would be let in now: a body may come for long. */
  readonly stillLetIn: () => Promise<boolean>;
  /**
   * Of the answer, once the body was begun. It does not depend on the items: a client or a proxy that sees a failure may send all of it
   * again, and what was accepted stays accepted. Each item has a status of its own.
   */
  readonly status: 200 | 202;
}

const NOT_LET_IN: BrokenOff = { status: 401, detail: "The token is no longer valid; the rest was not read." };

/** Serves bulk requests, so many at once. */
export class BulkDesk {
  readonly #places = new Places({ all: BULK_REQUESTS_MAX, perCaller: BULK_REQUESTS_PER_CALLER_MAX, what: "bulk requests" });

  /** Throws {@link Refusal}: 429 or 503 when too many are served, 400, 401, 408 or 413 when no item of the body was taken in. */
  async serve(wish: BulkWish): Promise<Response> {
    const free = this.#places.take(wish.holder);
    try {
      const results = new ItemResults();
      const stopped = await takeIn(wish, results);
      if (stopped !== null && results.count === 0) throw new Refusal(stopped.status, stopped.detail);
      const { status, minimal, body } = wish;
      return answerOf({ results, stopped }, { status, minimal, lines: isLines(body.type), free });
    } catch (error) {
      free();
      throw error;
    }
  }
}

/** Gives why not all of the body was read, null if it was. */
async function takeIn({ body, itemBytesMax, intake: open, charge, stillLetIn }: BulkWish, results: ItemResults): Promise<BrokenOff | null> {
  const cutter: Cutter = isLines(body.type) ? new LineCutter(itemBytesMax) : new ArrayCutter(itemBytesMax);
  const intake = open(results);
  const chunks = body.read();
  try {
    return await takeChunks();
  } finally {
    await intake.settled();
    await chunks.return(null);
  }

  async function takeChunks(): Promise<BrokenOff | null> {
    for (let room = TURN_BYTES_MAX; ;) {
      const { done, value } = await chunks.next();
      if (done === true) return value ?? (await takeCuts({ end: true }));
      // A chunk can be as long as the body, and many can have come already.
      for (let rest = value; rest.length > 0;) {
        const piece = rest.subarray(0, room);
        cutter.feed(piece);
        const full = await takeCuts({ end: false });
        if (full !== null) return full;
        rest = rest.subarray(piece.length);
        room -= piece.length;
        if (room > 0) continue;
        await nextTurn();
        room = TURN_BYTES_MAX;
      }
    }
  }

  async function takeCuts({ end }: { readonly end: boolean }): Promise<BrokenOff | null> {
    for (;;) {
      const cuts: Cut[] = [];
      if (end) cutter.end(cuts);
      else cutter.cut(cuts, intake.atOnce);
      const room = BULK_ITEMS_MAX - results.count;
      const taken = cuts.length > room ? cuts.slice(0, room) : cuts;
      if (taken.length > 0) {
        const hundreds = Math.ceil((results.count + taken.length) / 100) - Math.ceil(results.count / 100);
        if (hundreds > 0) await charge(hundreds);
        if (!(await stillLetIn())) return NOT_LET_IN;
        await intake.take(taken, results.add(taken.length));
      }
      if (taken.length < cuts.length)
        return {
          status: 413,
          detail: `A request may hold at most ${BULK_ITEMS_MAX} items; the rest was not read. Send it in another request.`,
        };
      if (cutter.fault !== null) return { status: 400, detail: `The body is not a JSON array: ${cutter.fault}.` };
      if (end || cuts.length < intake.atOnce) return null;
      await nextTurn();
    }
  }
}
