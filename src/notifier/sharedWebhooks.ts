import type { PlanStore, WebhookSet } from "../store/store";
import { type IndexedWebhooks, indexWebhooks } from "./matching";

/** The webhooks as all planners of a node see them: read and indexed once after an edit, however many partitions the node has. */
export interface SharedWebhooks {
  /** They may be out of date again; the commit of a plan says so. */
  read(): Promise<IndexedWebhooks>;
  /** The set moved beyond this version: whoever asks from now on is given a later one. */
  forget(version: number): void;
}

export function shareWebhooks(store: Pick<PlanStore, "webhookSet">): SharedWebhooks {
  let indexed: IndexedWebhooks | null = null;
  let reading: Promise<IndexedWebhooks> | null = null;

  async function readAnew(): Promise<IndexedWebhooks> {
    const known = indexed;
    const set = await store.webhookSet(known);
    if (known !== null && isSame(known, set)) return known;
    const made = await indexWebhooks(set);
    // Another one, begun later, may be through before.
    if (indexed === null || indexed.version <= made.version) indexed = made;
    return made;
  }

  return {
    read() {
      if (reading !== null) return reading;
      const begun = readAnew();
      reading = begun;
      begun.catch(() => {
        if (reading === begun) reading = null;
      });
      return begun;
    },
    forget(version) {
      if (indexed === null || indexed.version <= version) reading = null;
    },
  };
}

/** A version, once written, stays as it is; but those that nobody waits for any more fall out of the set without an edit. */
function isSame(one: WebhookSet, other: WebhookSet): boolean {
  return one.version === other.version && one.versions.length === other.versions.length;
}
