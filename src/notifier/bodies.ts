import { LRUCache } from "lru-cache";
import { EVENTS_LANE } from "../domain/delivery";
import type { DeliveryStore, DueDelivery, LoggedChange } from "../store/store";
import { changePayload, eventPayload, type Payload } from "./webhook/payload";

/** What bodies may take in a node's memory, in characters; the rest is read from the table. */
const BODIES_CHARS_MAX = 16 * 1024 * 1024;
/** A change's place in the memory is its partition times this, and its number. */
const NUMBERS = 2 ** 40;

/** The bodies that a node has at hand, of all its partitions. */
export type BodyMemory = LRUCache<number, Payload>;

export function createBodyMemory(): BodyMemory {
  return new LRUCache({ maxSize: BODIES_CHARS_MAX, sizeCalculation: ({ data }) => data.length + 1 });
}

/** The bodies of one partition's changes. */
export interface Bodies {
  /** So that the first attempts need not read what planning has just read. */
  keep(change: LoggedChange): void;
  /** Null when the change, or the operational event, is no longer there. */
  of(delivery: Pick<DueDelivery, "number" | "sensorId">): Payload | null | Promise<Payload | null>;
}

export function createBodies(
  store: Pick<DeliveryStore, "loggedChange" | "operationalEvent">,
  partition: number,
  memory: BodyMemory,
): Bodies {
  function keep(change: LoggedChange): Payload {
    const payload = changePayload(change);
    memory.set(partition * NUMBERS + change.number, payload);
    return payload;
  }

  async function read(number: number): Promise<Payload | null> {
    const change = await store.loggedChange(partition, number);
    return change === null ? null : keep(change);
  }

  async function readEvent(number: number): Promise<Payload | null> {
    const event = await store.operationalEvent(number);
    return event === null ? null : eventPayload(event);
  }

  return {
    keep,
    of: ({ number, sensorId }) =>
      sensorId === EVENTS_LANE ? readEvent(number) : (memory.get(partition * NUMBERS + number) ?? read(number)),
  };
}
