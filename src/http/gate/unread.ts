/** Answers that may be large are handed out as they are taken, and of those that nobody takes a node holds so many bytes. */
import { Shares } from "../../domain/shares";
import { placeHolder } from "../places";
import { Refusal } from "../problems";
import type { Arrival } from "./arrival";

/** Up to so many bytes an answer is handed out as a whole: a connection's own buffers take that much. */
const WHOLE_BYTES_MAX = 64 * 1024;
/** What this node holds of answers that were not taken yet. */
export const UNREAD_BYTES_MAX = 128 * 1024 * 1024;
/** And so much of one caller's: nobody keeps all others out by not reading. */
const CALLER_UNREAD_BYTES_MAX = 64 * 1024 * 1024;
/** Who takes nothing for so long is cut off. */
export const UNREAD_STALLED_MS = 30_000;
/** An answer that is not taken by then is cut off, however it is read. */
const UNREAD_MS_MAX = 5 * 60 * 1000;
const PIECE_BYTES = 64 * 1024;

export interface UnreadLimits {
  readonly unreadBytesMax: number;
  readonly callerUnreadBytesMax: number;
  readonly unreadStalledMs: number;
}

export const UNREAD_LIMITS: UnreadLimits = {
  unreadBytesMax: UNREAD_BYTES_MAX,
  callerUnreadBytesMax: CALLER_UNREAD_BYTES_MAX,
  unreadStalledMs: UNREAD_STALLED_MS,
};

export interface Unread {
  /** The same answer, in pieces if it is large. Throws {@link Refusal}: 429 or 503 where too much is held already. */
  handOut(arrival: Pick<Arrival, "method" | "caller" | "address">, answer: Response): Promise<Response>;
}

const encoder = new TextEncoder();

export function createUnread({ unreadBytesMax, callerUnreadBytesMax, unreadStalledMs }: UnreadLimits = UNREAD_LIMITS): Unread {
  const shares = new Shares({ all: unreadBytesMax, each: callerUnreadBytesMax });

  /** Gives how to give it back. */
  function hold(holder: string, bytes: number): () => void {
    const held = shares.take(holder, bytes);
    if (held === "each") throw tooMuch(429, `Answers of ${callerUnreadBytesMax} bytes wait for you to read them`);
    if (held === "all") throw tooMuch(503, `Answers of ${unreadBytesMax} bytes wait on this node to be read`);
    return held;
  }

  return {
    async handOut(arrival, answer) {
      // Nobody reads the body of an answer to HEAD.
      if (arrival.method === "HEAD") return answer;
      const text = await answer.text();
      if (text.length <= WHOLE_BYTES_MAX) return new Response(text, answer);
      const bytes = encoder.encode(text);
      const taken = hold(placeHolder(arrival), bytes.length);
      return new Response(piecewise(bytes, { taken, stalledMs: unreadStalledMs }), answer);
    },
  };
}

function tooMuch(status: 429 | 503, what: string): Refusal {
  return new Refusal(status, `${what}; try again in a moment.`, { headers: { "retry-after": "1" }, limit: "unread" });
}

/** A piece is asked for once the connection has taken the one before. `taken` is called once, at the end, whichever that is. */
function piecewise(bytes: Uint8Array, { taken, stalledMs }: { taken: () => void; stalledMs: number }): ReadableStream<Uint8Array> {
  let at = 0;
  let stalled: Timer | undefined;
  let late: Timer | undefined;
  let rest: Uint8Array | null = bytes;
  const end = () => {
    if (rest === null) return;
    rest = null;
    clearTimeout(stalled);
    clearTimeout(late);
    taken();
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const cut = () => {
          end();
          controller.error(new Error("the answer was not read in time"));
        };
        stalled = setTimeout(cut, stalledMs);
        late = setTimeout(cut, UNREAD_MS_MAX);
      },
      pull(controller) {
        if (rest === null) return;
        stalled?.refresh();
        controller.enqueue(rest.subarray(at, at + PIECE_BYTES));
        at += PIECE_BYTES;
        if (at < rest.length) return;
        end();
        controller.close();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}
