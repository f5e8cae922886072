import type { Events } from "../telemetry/events";

const CHECK_EVERY_MS = 5000;
/** Sensors that are compared each time. */
const SAMPLE_MAX = 50;

/** Calls `check` now, and again and again, each time after the one before. */
export function keepChecking(check: () => Promise<void>, events: Pick<Events, "failed">): { stop(): Promise<void> } {
  let running: Promise<void> | null = null;
  const start = () => {
    running ??= check()
      .catch((error: unknown) => events.failed("cache.check", error))
      .finally(() => {
        running = null;
      });
  };
  // Whoever makes it is not ready yet.
  queueMicrotask(start);
  const timer = setInterval(start, CHECK_EVERY_MS);
  return {
    async stop() {
      clearInterval(timer);
      await running;
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
