import type { Events } from "../telemetry/events";

const CHECK_EVERY_MS = 5000;
/** Sensors that are compared each time. */
const SAMPLE_MAX = 50;

/** Calls `check` again and again, each time after the one before. */
export function keepChecking(check: () => Promise<void>, events: Pick<Events, "failed">): { stop(): Promise<void> } {
  let running = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    running = check()
      .catch((error: unknown) => events.failed("cache.check", error))
      .finally(() => {
        busy = false;
      });
  }, CHECK_EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      return running;
    },
  };
}

/** Some of them, each as likely as any other. */
export function sampleOf<Item>(items: Iterable<Item>, count = SAMPLE_MAX): Item[] {
  const drawn: Item[] = [];
  let seen = 0;
  for (const item of items) {
    seen += 1;
    if (drawn.length < count) {
      drawn.push(item);
      continue;
    }
    const place = Math.floor(Math.random() * seen);
    if (place < count) drawn[place] = item;
  }
  return drawn;
}
