import { LRUCache } from "lru-cache";
import type { Webhook } from "../domain/webhook";
import type { DeliveryStore } from "../store/store";

/** How long an edit made by another node may stay unseen. */
const KNOWN_FOR_MS = 1000;
const KNOWN_MAX = 2000;

/** The webhooks as they are now, or were a moment ago. */
export interface Endpoints {
  /** Null for one that is deleted; undefined when it must be loaded first. */
  known(webhookId: string): Webhook | null | undefined;
  /** As known; loaded first if need be. */
  get(webhookId: string): Promise<Webhook | null>;
  /** Those who ask while it is being loaded wait for the same answer. */
  load(webhookId: string): Promise<void>;
  /** Webhooks were edited here. */
  forget(): void;
}

export function createEndpoints(store: Pick<DeliveryStore, "webhookById">): Endpoints {
  const known = new LRUCache<string, { readonly webhook: Webhook | null }>({ max: KNOWN_MAX, ttl: KNOWN_FOR_MS });
  const loading = new Map<string, Promise<void>>();
  let edits = 0;

  async function read(webhookId: string): Promise<void> {
    const before = edits;
    try {
      const webhook = await store.webhookById(webhookId);
      if (edits === before) known.set(webhookId, { webhook });
    } finally {
      loading.delete(webhookId);
    }
  }

  function load(webhookId: string): Promise<void> {
    const underWay = loading.get(webhookId) ?? read(webhookId);
    if (!loading.has(webhookId)) loading.set(webhookId, underWay);
    return underWay;
  }

  return {
    known: (webhookId) => known.get(webhookId)?.webhook,

    async get(webhookId) {
      for (;;) {
        const found = known.get(webhookId);
        if (found !== undefined) return found.webhook;
        await load(webhookId);
      }
    },

    load,

    forget() {
      edits += 1;
      known.clear();
    },
  };
}
