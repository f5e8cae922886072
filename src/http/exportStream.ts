/** A list as one long answer: page by page out of the store, as fast as the client reads, and cut where it cannot be whole. */
import { nextTurn } from "../nextTurn";
import type { Page, PageRequest } from "../store/store";
import type { Call } from "./calls";
import type { AnswerFailure } from "./failures";
import { placeHolder, Places } from "./places";
import { Refusal } from "./problems";

/** So many exports run on a node; more are told to come again. */
export const EXPORTS_AT_ONCE_MAX = 4;
/** And so many of one caller. */
export const EXPORTS_PER_CALLER_MAX = 2;
/** An export that is not through by then is cut. */
const EXPORT_MS_MAX = 3600_000;
/** A client that takes nothing for so long is cut off. */
const STALLED_MS = 30_000;
/** What is read from the store and written at once: about so many bytes, and not more rows. */
const PAGE_BYTES = 512 * 1024;
const PAGE_ROWS_MAX = 1000;
const PAGE_ROWS_FIRST = 100;
/** What a cut connection has not delivered is lost, so a last line gets this time to arrive. */
const LAST_LINE_MS = 500;

export interface ExportFormat<Row> {
  readonly type: string;
  readonly extension: string;
  readonly head: string;
  readonly lineOf: (row: Row) => string;
  /** What is written when the rest cannot be had, given the problem as JSON; null where nothing can say so but the cut itself. */
  readonly failureLineOf: ((problem: string) => string) | null;
}

export interface ExportWish<Row> {
  readonly name: string;
  readonly format: ExportFormat<Row>;
  readonly call: Pick<Call, "requestId" | "caller" | "address" | "stillLetIn">;
  /** Rows may be left out of a page; the list ends where `nextCursor` is null. */
  readonly page: (request: PageRequest) => Promise<Page<Row>>;
}

export interface Exports {
  /** Throws what the first page throws, and a {@link Refusal} (429, 503) while too many run. */
  open<Row>(wish: ExportWish<Row>): Promise<Response>;
}

export interface ExportsOptions {
  readonly answerFailure: AnswerFailure;
  readonly clock?: () => number;
  readonly stalledMs?: number;
}

export function createExports({ answerFailure, clock = Date.now, stalledMs = STALLED_MS }: ExportsOptions): Exports {
  const places = new Places({ all: EXPORTS_AT_ONCE_MAX, perCaller: EXPORTS_PER_CALLER_MAX, what: "exports" });

  return {
    async open(wish) {
      const leave = places.take(placeHolder(wish.call));
      const over = new AbortController();
      const ended = () => {
        leave();
        over.abort();
      };
      const texts = textsOf(wish, clock, over.signal);
      try {
        const first = await texts.next();
        const failed = async (error: unknown) => answerFailure(error, wish.call.requestId).text();
        const body = new Flow({ texts, first: first.value ?? "", failureLineOf: wish.format.failureLineOf, failed, ended, stalledMs });
        return new Response(body.stream, { headers: headersOf(wish, clock()) });
      } catch (error) {
        ended();
        throw error;
      }
    },
  };
}

function headersOf<Row>({ name, format }: ExportWish<Row>, now: number): Record<string, string> {
  const time = new Date(now).toISOString().slice(0, 19).replaceAll(":", "");
  return {
    "content-type": format.type,
    "content-disposition": `attachment; filename="tocsin-${name}-${time}Z.${format.extension}"`,
  };
}

/** The whole export in pieces; nothing is read before it is asked for, nor once it is over: pages without a row may be many. */
async function* textsOf<Row>(
  { format, call, page }: ExportWish<Row>,
  clock: () => number,
  over: AbortSignal,
): AsyncGenerator<string, undefined> {
  const deadline = clock() + EXPORT_MS_MAX;
  let limit = PAGE_ROWS_FIRST;
  let head = format.head;
  for (let cursor: string | null = null; ; await nextTurn()) {
    const { items, nextCursor }: Page<Row> = await page({ limit, cursor });
    const text = head + items.map(format.lineOf).join("");
    head = "";
    if (text !== "" || cursor === null) yield text;
    if (nextCursor === null || over.aborted) return undefined;
    cursor = nextCursor;
    const perRow = text.length / Math.max(1, items.length);
    limit = Math.max(1, Math.min(PAGE_ROWS_MAX, Math.round(PAGE_BYTES / Math.max(1, perRow))));
    if (!(await call.stillLetIn())) throw new Refusal(401, "The token is no longer valid.");
    if (clock() > deadline) throw new Refusal(503, "The export took too long; ask for less of it.");
  }
}

interface FlowOptions {
  readonly texts: AsyncGenerator<string, undefined>;
  readonly first: string;
  readonly failureLineOf: ((problem: string) => string) | null;
  /** Tells of a failure, and gives it as a problem. */
  readonly failed: (error: unknown) => Promise<string>;
  readonly ended: () => void;
  readonly stalledMs: number;
}

const encoder = new TextEncoder();

/** Texts as the body of an answer. Ends in one of three ways: whole, cut, or because nobody reads on. */
class Flow {
  readonly stream: ReadableStream<Uint8Array>;
  #next: Promise<IteratorResult<string, undefined>> | null;
  #stalled: Timer | null = null;
  #over = false;

  constructor(private readonly options: FlowOptions) {
    this.#next = Promise.resolve({ done: false, value: options.first });
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => this.#wait(controller),
        pull: (controller) => this.#pull(controller),
        cancel: () => this.#end(),
      },
      { highWaterMark: 0 },
    );
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (this.#stalled !== null) clearTimeout(this.#stalled);
    try {
      const { done, value } = await (this.#next ?? this.options.texts.next());
      this.#next = null;
      if (this.#over) return;
      if (done === true) {
        this.#end();
        controller.close();
        return;
      }
      controller.enqueue(encoder.encode(value));
      this.#wait(controller);
    } catch (error) {
      await this.#fail(controller, error);
    }
  }

  async #fail(controller: ReadableStreamDefaultController<Uint8Array>, error: unknown): Promise<void> {
    const problem = await this.options.failed(error);
    if (this.#over) return;
    const line = this.options.failureLineOf?.(problem) ?? null;
    if (line !== null) {
      controller.enqueue(encoder.encode(line));
      await Bun.sleep(LAST_LINE_MS);
    }
    this.#cut(controller);
  }

  #wait(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#stalled = setTimeout(() => this.#cut(controller), this.options.stalledMs);
  }

  /** Without the end that a whole answer has. */
  #cut(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (this.#over) return;
    this.#end();
    controller.error();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#stalled !== null) clearTimeout(this.#stalled);
    this.options.ended();
    void this.options.texts.return(undefined);
  }
}
