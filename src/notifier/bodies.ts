import { LRUCache } from "lru-cache";
import type { DeliveryStore, LoggedChange } from "../store/store";
import { changePayload, type Payload } from "./webhook/payload";

/** What bodies may take in memory, in characters; the rest is read from the table. */
const BODIES_CHARS_MAX = 16 * 1024 * 1024;

/** The bodies of one partition's changes. */
export interface Bodies {
  /** So that the first attempts need not read what planning has just read. */
  keep(change: LoggedChange): void;
  /** Null when the change is no longer there. */
  of(number: number): Payload | null | Promise<Payload | null>;
}

export function createBodies(store: Pick<DeliveryStore, "loggedChange">, partition: number): Bodies {
  const bodies = new LRUCache<number, Payload>({ maxSize: BODIES_CHARS_MAX, sizeCalculation: ({ data }) => data.length + 1 });

  function keep(change: LoggedChange): Payload {
    const payload = changePayload(change);
    bodies.set(change.number, payload);
    return payload;
  }

  async function read(number: number): Promise<Payload | null> {
    const change = await store.loggedChange(partition, number);
    return change === null ? null : keep(change);
  }

  return { keep, of: (number) => bodies.get(number) ?? read(number) };
}
