import type { SearchStore } from "./store/store";
import type { Events } from "./telemetry/events";

const EVERY_MS = 1000;
/** So few that whoever commits meanwhile hardly notices. */
const SENSORS_AT_ONCE = 512;

export interface SearchIndexingOptions {
  readonly store: SearchStore;
  readonly events: Pick<Events, "failed">;
  readonly everyMs?: number;
}

/** Keeps sensors findable by their texts: what was registered or renamed is grouped behind the writes, a slice at a time. */
export function openSearchIndexing({ store, events, everyMs = EVERY_MS }: SearchIndexingOptions) {
  let stopped = false;
  let running = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    if (!busy) running = round();
  }, everyMs);

  async function round(): Promise<void> {
    busy = true;
    try {
      while (!stopped && (await store.indexTexts(SENSORS_AT_ONCE)).more) await Bun.sleep(1);
    } catch (error) {
      events.failed("search indexing", error);
    } finally {
      busy = false;
    }
  }

  return {
    async stop(): Promise<void> {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
