import { DELIVERY_EXPIRES_MS } from "../domain/delivery";
import type { DeliveryStore, DueDelivery, Lease, NextDue } from "../store/store";
import type { Events } from "../telemetry/events";
import type { Endpoints } from "./endpoints";
import type { WebhookQueue } from "./queue";

/** How often the table is asked when each webhook's next head is due: others make heads due, too. Longer where asking takes long. */
export const LOOK_EVERY_MS = 1000;
const LOOK_SHARE = 20;
/** … and which ran out of time without being tried. */
export const EXPIRY_EVERY_MS = 60_000;
const EXPIRED_AT_ONCE_MAX = 500;

export interface DueHeadsOptions {
  readonly store: Pick<DeliveryStore, "nextDue" | "dueHeads" | "coalesceDue" | "expiredHeads">;
  readonly lease: Lease;
  readonly endpoints: Endpoints;
  readonly now: () => number;
  readonly events: Pick<Events, "deliveriesEnded">;
}

/** What the table holds that is due. */
export interface DueHeads {
  /** When each webhook's next head is due. */
  next(): Promise<readonly NextDue[]>;
  /** How long to wait before asking for the next ones again. */
  readonly lookEveryMs: number;
  /** Fills a queue with at most `limit`, which counts what it knows already. Rejects with the store's fault, and has then filled nothing. */
  fill(queue: WebhookQueue, limit: number): Promise<void>;
  /** Those that ran out of time without being tried, of paused webhooks, too; `more`: there may be others, behind them in their lanes, too. */
  expired(): Promise<{ readonly heads: readonly DueDelivery[]; readonly more: boolean }>;
}

export function createDueHeads({ store, lease, endpoints, now, events }: DueHeadsOptions): DueHeads {
  const { partition } = lease;
  let lookEveryMs = LOOK_EVERY_MS;

  /** Gives how many it asked for, too. */
  async function read(queue: WebhookQueue, at: number, limit: number): Promise<[DueDelivery[], number]> {
    const { webhookId } = queue;
    if (!queue.latest) return [await store.dueHeads(partition, webhookId, at, limit), limit];
    // What is under way stays as it is, and is no part of the answer.
    const except = queue.knownIds;
    const asked = Math.max(1, limit - except.length);
    const { heads, coalesced } = await store.coalesceDue(lease, { webhookId, now: at, limit: asked, except });
    events.deliveriesEnded("coalesced", coalesced);
    return [heads, asked];
  }

  return {
    async next() {
      const startedAt = performance.now();
      const due = await store.nextDue(partition);
      lookEveryMs = Math.max(LOOK_EVERY_MS, LOOK_SHARE * (performance.now() - startedAt));
      return due;
    },

    get lookEveryMs() {
      return lookEveryMs;
    },

    async fill(queue, limit) {
      const at = now();
      const webhook = await endpoints.get(queue.webhookId);
      if (webhook !== null) queue.serve(webhook);
      const [heads, asked] = await read(queue, at, limit);
      queue.fill(heads, at, asked);
    },

    async expired() {
      const heads = await store.expiredHeads(partition, now() - DELIVERY_EXPIRES_MS, EXPIRED_AT_ONCE_MAX);
      return { heads, more: heads.length > 0 };
    },
  };
}
