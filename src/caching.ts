/** What nodes have in common beside the database, and how sensors are read through it. */
import { openSensorCache } from "./cache/open";
import type { SensorCache } from "./cache/ports";
import { openRedis, type RedisLink } from "./cache/redis";
import { watchStore } from "./cache/watchStore";
import type { Config } from "./config";
import type { Store } from "./store/store";
import type { Events } from "./telemetry/events";

export interface Caching {
  /** Null without REDIS_URL. */
  readonly redis: RedisLink | null;
  readonly cache: SensorCache;
  /** For everybody from now on: the cache hears what is written by it. */
  readonly store: Store;
}

export async function openCaching(
  stack: AsyncDisposableStack,
  { config, store, partitions, events }: { config: Config; store: Store; partitions: number; events: Events },
): Promise<Caching> {
  const redis = linkRedis(stack, config, events);
  const options = { store, alone: config.store.kind === "sqlite", redis, partitions, events };
  const cache = stack.adopt(await openSensorCache(options), (opened) => opened.stop());
  return { redis, cache, store: watchStore(store, cache) };
}

/** Nobody waits for it: what it holds can be had elsewhere. */
function linkRedis(stack: AsyncDisposableStack, { redisUrl }: Config, events: Events): RedisLink | null {
  if (redisUrl === null) return null;
  const onStatus = (up: boolean, reason: string | null) => events.dependencyChanged("redis", up, reason);
  return stack.adopt(openRedis(redisUrl, { onStatus }), (link) => link.close());
}
