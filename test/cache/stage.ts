import type { SensorCache } from "../../src/cache/ports";
import { SharedCache } from "../../src/cache/shared";
import { openRedis, type RedisLink, type RedisOptions } from "../../src/cache/redis";
import { watchStore } from "../../src/cache/watchStore";
import type { Store } from "../../src/store/store";
import { createEvents } from "../../src/telemetry/events";
import { openLog } from "../../src/telemetry/log";
import { openMetrics } from "../../src/telemetry/metrics";
import type { TestRedis } from "../servers/redis";
import { until } from "../until";

const PARTITIONS = 1;
const SECRET = "a secret that the nodes of the test share";

/** Counts by name, as /metrics tells them, with the value of their one label behind a colon. */
export type Counts = () => Promise<Readonly<Record<string, number>>>;

export function watchedEvents() {
  const metrics = openMetrics();
  const counts: Counts = async () => {
    const told: Record<string, number> = {};
    for (const { name, values } of await metrics.registry.getMetricsAsJSON()) {
      if (!name.startsWith("tocsin_cache_")) continue;
      for (const { labels, value } of values as { labels: Record<string, string>; value: number }[]) {
        const [label] = Object.values(labels);
        told[name.slice("tocsin_cache_".length) + (label === undefined ? "" : `:${label}`)] = value;
      }
    }
    return told;
  };
  return { events: createEvents(openLog("silent"), metrics), counts };
}

/** A node's cache, and the store as that node uses it. */
export interface CacheNode extends AsyncDisposable {
  readonly cache: SensorCache & Pick<SharedCache, "check">;
  readonly store: Store;
  readonly redis: RedisLink;
  readonly counts: Counts;
  /** How often this node asked the database for sensors. */
  readonly asked: () => number;
}

export async function openNode(store: Store, redis: TestRedis, options: RedisOptions = {}): Promise<CacheNode> {
  const { events, counts } = watchedEvents();
  const link = openRedis(redis.url, options);
  await until(() => link.isUp(), "the node does not reach Redis");
  let asked = 0;
  const counted: Pick<Store, "sensorsAt"> = {
    sensorsAt(ids) {
      asked += 1;
      return store.sensorsAt(ids);
    },
  };
  const cache = new SharedCache({ store: counted, redis: link, secret: SECRET, partitions: PARTITIONS, events });
  await cache.check();
  return {
    cache,
    store: watchStore(store, cache),
    redis: link,
    counts,
    asked: () => asked,
    async [Symbol.asyncDispose]() {
      await cache.stop();
      await link.close();
    },
  };
}

/** Everything that Redis holds of sensors: keys by register. */
export async function keysOf(redis: TestRedis, register: "registry" | "state"): Promise<string[]> {
  return redis.client.keys(`tocsin:*:${register}:*`);
}
