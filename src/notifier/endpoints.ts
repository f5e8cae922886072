import { LRUCache } from "lru-cache";
import { type Webhook, WEBHOOKS_MAX } from "../domain/webhook";
import type { DeliveryStore } from "../store/store";
import { nextTurn } from "../nextTurn";

/** How long an edit made by another node may stay unseen; what is known goes on for as long again while it is read anew. */
const KNOWN_FOR_MS = 1000;
/** In one reading. */
const READ_AT_ONCE_MAX = 500;

/** The webhooks as they are now, or were a moment ago; shared by all notifiers of a node. */
export interface Endpoints {
  /** Null for one that is deleted; undefined when it must be loaded first. */
  known(webhookId: string): Webhook | null | undefined;
  /** As known; loaded first if need be. Rejects with the store's fault. */
  get(webhookId: string): Promise<Webhook | null>;
  /** Webhooks were edited here. */
  forget(): void;
}

interface Known {
  readonly webhook: Webhook | null;
  readonly readAt: number;
}

export function createEndpoints(store: Pick<DeliveryStore, "webhooksById">): Endpoints {
  const known = new LRUCache<string, Known>({ max: WEBHOOKS_MAX });
  /** Those to be read next, all with one answer. */
  let wanted = new Map<string, PromiseWithResolvers<void>>();
  const reading = new Map<string, Promise<void>>();
  let edits = 0;

  /** Whoever asks in one turn of the loop is answered by one reading. */
  function read(webhookId: string): Promise<void> {
    const underWay = wanted.get(webhookId)?.promise ?? reading.get(webhookId);
    if (underWay !== undefined) return underWay;
    const asked = Promise.withResolvers<void>();
    // Who only wanted it fresh does not wait for it.
    asked.promise.catch(() => undefined);
    wanted.set(webhookId, asked);
    if (wanted.size === 1) void readWanted();
    return asked.promise;
  }

  async function readWanted(): Promise<void> {
    await nextTurn();
    const asked = [...wanted];
    wanted = new Map();
    for (let from = 0; from < asked.length; from += READ_AT_ONCE_MAX) await readSome(asked.slice(from, from + READ_AT_ONCE_MAX));
  }

  async function readSome(asked: readonly (readonly [string, PromiseWithResolvers<void>])[]): Promise<void> {
    const before = edits;
    for (const [webhookId, { promise }] of asked) reading.set(webhookId, promise);
    try {
      const found = new Map((await store.webhooksById(asked.map(([webhookId]) => webhookId))).map((webhook) => [webhook.id, webhook]));
      const readAt = performance.now();
      for (const [webhookId, { resolve }] of asked) {
        reading.delete(webhookId);
        if (edits === before) known.set(webhookId, { webhook: found.get(webhookId) ?? null, readAt });
        resolve();
      }
    } catch (error) {
      for (const [webhookId, { reject }] of asked) {
        reading.delete(webhookId);
        reject(error);
      }
    }
  }

  function look(webhookId: string): Webhook | null | undefined {
    const found = known.get(webhookId);
    if (found === undefined) return undefined;
    const age = performance.now() - found.readAt;
    if (age > KNOWN_FOR_MS) void read(webhookId);
    return age > 2 * KNOWN_FOR_MS ? undefined : found.webhook;
  }

  return {
    known: look,

    async get(webhookId) {
      for (;;) {
        const webhook = look(webhookId);
        if (webhook !== undefined) return webhook;
        await read(webhookId);
      }
    },

    forget() {
      edits += 1;
      known.clear();
    },
  };
}
