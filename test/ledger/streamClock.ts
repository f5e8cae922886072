import type { StreamedMessage } from "./evidence";

/** Neighbouring messages further apart than this mark a dark time: nobody is judged by what went unheard in it. */
const DARK_AFTER_MS = 2000;
const TICK_ID = "$tick";

/** One partition's clock, as its stream tells it. */
export interface StreamClock {
  /** When the last dark time before `timeMs` ended; the stream's beginning ends one. */
  darkEndedAt(timeMs: number): number;
  /** Where a tick of this very time stands; null if there is none. */
  tickSequence(timeMs: number): number | null;
  /** Ticks read at `sinceMs` or later and before a sequence, in order; their times are monotonic. */
  ticks(sinceMs: number, beforeSequence: number): StreamedMessage[];
}

export function openStreamClock(messages: readonly StreamedMessage[]): StreamClock {
  const ticks: StreamedMessage[] = [];
  const darkEnds: number[] = [];
  let now = 0;
  for (const message of messages.toSorted((one, other) => one.sequence - other.sequence)) {
    const timeMs = Math.max(now, message.timeMs);
    if (timeMs - now > DARK_AFTER_MS) darkEnds.push(timeMs);
    now = timeMs;
    if (message.id === TICK_ID) ticks.push({ ...message, timeMs });
  }
  return {
    darkEndedAt: (timeMs) => darkEnds.findLast((endedAt) => endedAt <= timeMs) ?? 0,
    tickSequence(timeMs) {
      const tick = ticks[firstAt(ticks, timeMs)];
      return tick?.timeMs === timeMs ? tick.sequence : null;
    },
    ticks(sinceMs, beforeSequence) {
      const found: StreamedMessage[] = [];
      for (let index = firstAt(ticks, sinceMs); index < ticks.length; index += 1) {
        const tick = ticks[index] as StreamedMessage;
        if (tick.sequence >= beforeSequence) break;
        found.push(tick);
      }
      return found;
    },
  };
}

/** The index of the first tick at `timeMs` or later. */
function firstAt(ticks: readonly StreamedMessage[], timeMs: number): number {
  let [low, high] = [0, ticks.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ticks[middle] as StreamedMessage).timeMs < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
