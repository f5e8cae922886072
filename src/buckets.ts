import { createMemoryBuckets } from "./cache/memoryBuckets";
import type { RedisLink } from "./cache/redis";
import { RedisBuckets } from "./cache/redisBuckets";
import type { Buckets } from "./http/ports";
import type { Events } from "./telemetry/events";

/** What limits count by: across all nodes with Redis, on this one alone without. */
export function openBuckets(stack: AsyncDisposableStack, redis: RedisLink | null, events: Pick<Events, "limitsShared">): Buckets {
  const memory = createMemoryBuckets();
  if (redis === null) return memory;
  const buckets = new RedisBuckets({ redis, memory, onShared: (shared, reason) => events.limitsShared(shared, reason) });
  stack.defer(() => buckets.stop());
  return buckets;
}
