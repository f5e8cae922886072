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
/** This part of the slots may be taken by what failed before; the rest is for first attempts. */
const RETRIES_SHARE = 1 / 2;

export interface Slot {
  readonly webhookId: string;
  readonly retry: boolean;
  readonly startedAt: number;
}

/** A node's attempts, over all its partitions. */
export interface Slots {
  /** Whether a webhook that may run `concurrency` attempts may start another now: `busy` when its own limit says no, `full` for all others'. */
  mayStart(webhookId: string, concurrency: number, retry?: boolean): "now" | "busy" | "full";
  start(webhookId: string, retry?: boolean): Slot;
  end(slot: Slot, timedOut: boolean): void;
  /**
   * Calls whenever a slot became free, with the webhook that had it, until the function that it gives is called. Each time another one of
   * those who listen is called first.
   */
  onFree(listener: (webhookId: string) => void): () => void;
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
  const listeners = new Set<(webhookId: string) => void>();
  let running = 0;
  let retries = 0;

  function loadOf(webhookId: string): Load {
    const known = loads.get(webhookId);
    if (known !== undefined) return known;
    const load: Load = { running: new Set(), last: "unknown" };
    loads.set(webhookId, load);
    return load;
  }

  return {
    mayStart(webhookId, concurrency, retry = false) {
      const load = loadOf(webhookId);
      if (load.running.size >= concurrency) return "busy";
      if (running >= max || (retry && retries >= max * RETRIES_SHARE)) return "full";
      const free = max - running;
      if (free > max / 2) return "now";
      const isServed = !isSlow(load) && load.running.size < Math.ceil(free * SHARE) && (free > max * KEPT || load.last === "ended");
      return isServed ? "now" : "full";
    },

    start(webhookId, retry = false) {
      const slot = { webhookId, retry, startedAt: performance.now() };
      loadOf(webhookId).running.add(slot);
      running += 1;
      if (retry) retries += 1;
      return slot;
    },

    end(slot, timedOut) {
      const load = loadOf(slot.webhookId);
      load.running.delete(slot);
      load.last = timedOut ? "timedOut" : "ended";
      running -= 1;
      if (slot.retry) retries -= 1;
      const inTurn = [...listeners];
      const [first] = inTurn;
      if (first !== undefined && inTurn.length > 1) {
        listeners.delete(first);
        listeners.add(first);
      }
      for (const listener of inTurn) listener(slot.webhookId);
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
