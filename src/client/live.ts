import { eventsIn } from "./events";
import { TocsinProblem } from "./problem";
import type { Change } from "./schema";
import type { Transport } from "./transport";
import type { Read } from "./text";

/** The service is heard of more often than so; a connection that says nothing for longer is dead. */
const SILENCE_MS_MAX = 60_000;
const WAIT_FIRST_MS = 250;
const WAIT_MS_MAX = 30_000;

/** `cursor` is where to go on from, after it: keep it, and give it to `after` when the program starts again. */
export type LiveEvent =
  | { readonly type: "change"; readonly cursor: string; readonly change: Change }
  /** So many changes (null where nobody can tell) between what was heard and what comes next are no longer kept: read the sensors anew. */
  | { readonly type: "gap"; readonly cursor: string; readonly missed: number | null; readonly detail: string };

type Gap = Omit<LiveEvent & { readonly type: "gap" }, "type" | "cursor">;

export interface LiveOptions<Query> {
  /** Which changes. */
  readonly query?: Query;
  /** A cursor; left out, from now on. */
  readonly after?: string;
  /** Ends it, without an error. */
  readonly signal?: AbortSignal;
  /** Told of every connection that could not be had or was lost; the next one is tried by itself. */
  readonly onLost?: (error: unknown) => void;
}

/**
 * Changes as they come, for ever: over connections that are lost, nodes that stop and readers that are too slow, without a hole that is
 * not told of. Throws a `TocsinProblem` when trying again cannot help.
 */
export async function* live<Query extends object>(transport: Transport, options: LiveOptions<Query>): AsyncGenerator<LiveEvent, void> {
  const { query, after, signal, onLost } = options;
  let cursor = after ?? null;
  let failures = 0;
  const isOver = () => signal?.aborted === true;
  while (!isOver()) {
    const connection = new AbortController();
    const end = () => connection.abort();
    signal?.addEventListener("abort", end, { once: true });
    let waitMs: number;
    try {
      const headers = cursor === null ? {} : { "last-event-id": cursor };
      const wanted = { query, headers, signal: connection.signal };
      const { body } = await transport.send({ method: "GET", path: "/v1/changes/live", options: wanted });
      for await (const { event, data, id } of eventsIn(body as ReadableStream<Uint8Array>, unlessSilent)) {
        failures = 0;
        cursor = id ?? cursor;
        if (cursor === null || data === null) continue;
        if (event === "change") yield { type: "change", cursor, change: JSON.parse(data) as Change };
        else if (event === "gap") yield { type: "gap", cursor, ...(JSON.parse(data) as Gap) };
      }
      // It was too slow, or the node stops: another one has the rest.
      waitMs = waitAfter(failures);
      failures += 1;
    } catch (error) {
      if (isOver()) return;
      if (!isPassing(error)) throw error;
      onLost?.(error);
      waitMs = Math.max(waitAfter(failures), retryAfterOf(error));
      failures += 1;
    } finally {
      signal?.removeEventListener("abort", end);
      connection.abort();
    }
    await wait(waitMs, signal);
  }
}

/** Whatever is not said by the API itself may be over in a moment. */
function isPassing(error: unknown): boolean {
  return !(error instanceof TocsinProblem) || error.status >= 500 || error.status === 408 || error.status === 429;
}

function retryAfterOf(error: unknown): number {
  return error instanceof TocsinProblem ? (error.retryAfterMs ?? 0) : 0;
}

/** `failures`: connections in a row on which nothing was heard. At random, so that not all come back at once. */
function waitAfter(failures: number): number {
  const ms = Math.min(WAIT_MS_MAX, WAIT_FIRST_MS * 2 ** failures);
  return ms / 2 + Math.random() * (ms / 2);
}

const unlessSilent: Read = async (reader) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing was heard for ${SILENCE_MS_MAX} ms`)), SILENCE_MS_MAX);
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } finally {
    clearTimeout(timer);
  }
};

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    if (signal?.aborted === true) done();
    else signal?.addEventListener("abort", done, { once: true });
  });
}
