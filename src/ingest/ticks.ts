import { TICK_ID } from "../domain/sensor";
import type { StreamMessage } from "../jetstream/ports";

/** At each tick the store is asked who is due, and answers as of the last commit: many ticks in one batch would ask for the same again. */
const TICKS_IN_BATCH_MAX = 8;

/** The same messages in batches that end where they hold many ticks: a backlog of a quiet time is little else. */
export function cutAfterTicks(messages: readonly StreamMessage[]): (readonly StreamMessage[])[] {
  const batches: (readonly StreamMessage[])[] = [];
  let begin = 0;
  let ticks = 0;
  messages.forEach(({ id }, index) => {
    if (id === TICK_ID) ticks += 1;
    if (ticks < TICKS_IN_BATCH_MAX) return;
    batches.push(messages.slice(begin, index + 1));
    begin = index + 1;
    ticks = 0;
  });
  if (begin === 0) return messages.length === 0 ? [] : [messages];
  return begin === messages.length ? batches : [...batches, messages.slice(begin)];
}
