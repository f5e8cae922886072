import { randomBytes } from "node:crypto";
import type { SensorReadStore, SharedSecretStore } from "../store/store";
import type { Events } from "../telemetry/events";
import { createDirectReads } from "./direct";
import { MemoryCache } from "./memory";
import type { SensorCache } from "./ports";
import type { RedisLink } from "./redis";
import { SharedCache } from "./shared";

export interface CacheOptions {
  readonly store: SensorReadStore & SharedSecretStore;
  /** This process alone writes the database. */
  readonly alone: boolean;
  readonly redis: RedisLink | null;
  /** P. */
  readonly partitions: number;
  readonly events: Events;
}

/** By who writes the database: what one process writes it remembers exactly; what many write they remember together, in Redis, or not at all. */
export async function openSensorCache({ store, alone, redis, partitions, events }: CacheOptions): Promise<SensorCache> {
  if (alone) return new MemoryCache({ store, events });
  if (redis === null) return createDirectReads(store);
  const secret = await store.sharedSecret("cache", randomBytes(32).toString("base64url"));
  return new SharedCache({ store, redis, secret, partitions, events });
}
