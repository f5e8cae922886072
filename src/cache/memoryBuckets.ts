import { LRUCache } from "lru-cache";
import { type BucketRule, charged, debtMs, hasOne, type Taken, told } from "../domain/bucket";

/**
 * So many buckets a rule are kept; whichever was used longest ago is forgotten for the next one, and begins full again when it comes back.
 * Whoever has more addresses than this is not held by a limit on each of them.
 */
export const BUCKETS_KEPT_MAX = 100_000;

/** Times are of its own clock, which never goes back. */
interface Bucket {
  fullAt: number;
}

export interface MemoryBuckets {
  take(rule: BucketRule, key: string): Taken;
  look(rule: BucketRule, key: string): Taken;
  charge(rule: BucketRule, key: string, cost: number): number;
}

/** Buckets of this node alone. Rules are told apart by their names: nobody's addresses drive out a token. */
export function createMemoryBuckets(now: () => number = () => performance.now(), keptMax = BUCKETS_KEPT_MAX): MemoryBuckets {
  const byRule = new Map<string, LRUCache<string, Bucket>>();

  function bucketOf({ name }: BucketRule, key: string): Bucket {
    let buckets = byRule.get(name);
    if (buckets === undefined) byRule.set(name, (buckets = new LRUCache({ max: keptMax })));
    let bucket = buckets.get(key);
    if (bucket === undefined) buckets.set(key, (bucket = { fullAt: 0 }));
    return bucket;
  }

  return {
    take(rule, key) {
      const bucket = bucketOf(rule, key);
      const at = now();
      const allowed = hasOne(bucket.fullAt, rule, at);
      if (allowed) bucket.fullAt = charged(bucket.fullAt, rule, 1, at);
      return told(allowed, bucket.fullAt, rule, at);
    },
    look(rule, key) {
      const { fullAt } = bucketOf(rule, key);
      const at = now();
      return told(hasOne(fullAt, rule, at), fullAt, rule, at);
    },
    charge(rule, key, cost) {
      const bucket = bucketOf(rule, key);
      const at = now();
      bucket.fullAt = charged(bucket.fullAt, rule, cost, at);
      return debtMs(bucket.fullAt, rule, at);
    },
  };
}
