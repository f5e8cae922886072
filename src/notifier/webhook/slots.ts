import { LRUCache } from "lru-cache";
import { WEBHOOKS_MAX } from "../../domain/webhook";

/** Attempts that run at once on a node, below the 256 requests that Bun's fetch runs at once, so that none waits unseen. */
export const SLOTS_MAX = 240;
/** A webhook whose attempt runs for so long is slow: it may be hanging. */
const SLOW_AFTER_MS = 2000;
/** While less than half of the slots is free, a webhook may run this part of what is free. */
const SHARE = 1 / 16;
/** This part of the slots is kept for webhooks whose last attempt ended in time. */
const KEPT = 1 / 8;

export interface Slot {
  readonly webhookId: string;
  readonly startedAt: number;
}

/** A node's attempts, over all its partitions. */
export interface Slots {
  /** Whether a webhook that may run `concurrency` attempts may start another now. */
  mayStart(webhookId: string, concurrency: number): boolean;
  start(webhookId: string): Slot;
  end(slot: Slot, timedOut: boolean): void;
  /** Calls whenever a slot became free, until the function that it gives is called. */
  onFree(listener: () => void): () => void;
}

interface Load {
  /** In the order in which they started. */
  readonly running: Set<Slot>;
  last: "unknown" | "ended" | "timedOut";
}

/**
 * While more than half of the slots are free, a webhook's own limit is all that counts. The other half is for those that answer: slow
 * webhooks get none of it, others a share, and the last of it goes to those that are known to answer. So webhooks that hang, however
 * many, leave room.
 */
export function createSlots(max = SLOTS_MAX): Slots {
  const loads = new LRUCache<string, Load>({ max: WEBHOOKS_MAX });
  const listeners = new Set<() => void>();
  let running = 0;

  function loadOf(webhookId: string): Load {
    const known = loads.get(webhookId);
    if (known !== undefined) return known;
    const load: Load = { running: new Set(), last: "unknown" };
    loads.set(webhookId, load);
    return load;
  }

  return {
    mayStart(webhookId, concurrency) {
      const load = loadOf(webhookId);
      if (running >= max || load.running.size >= concurrency) return false;
      const free = max - running;
      if (free > max / 2) return true;
      return !isSlow(load) && load.running.size < Math.ceil(free * SHARE) && (free > max * KEPT || load.last === "ended");
    },

    start(webhookId) {
      const slot = { webhookId, startedAt: performance.now() };
      loadOf(webhookId).running.add(slot);
      running += 1;
      return slot;
    },

    end(slot, timedOut) {
      const load = loadOf(slot.webhookId);
      load.running.delete(slot);
      load.last = timedOut ? "timedOut" : "ended";
      running -= 1;
      for (const listener of listeners) listener();
    },

    onFree(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function isSlow({ running, last }: Load): boolean {
  const [oldest] = running;
  return last === "timedOut" || (oldest !== undefined && performance.now() - oldest.startedAt > SLOW_AFTER_MS);
}
