import { expect, test } from "bun:test";
import { createMemoryBuckets } from "../../src/cache/memoryBuckets";
import type { BucketRule } from "../../src/domain/bucket";

const TWO: BucketRule = { name: "two", perSecond: 1, burst: 2 };

test("every key has a bucket of its own under every rule, at this moment", () => {
  let now = 0;
  const buckets = createMemoryBuckets(() => now);
  const allowed = (rule: BucketRule, key: string) => buckets.take(rule, key).allowed;
  expect([allowed(TWO, "a"), allowed(TWO, "a"), allowed(TWO, "a"), allowed(TWO, "b")]).toEqual([true, true, false, true]);
  expect(allowed({ ...TWO, name: "other" }, "a")).toBe(true);
  now = 1000;
  expect([allowed(TWO, "a"), allowed(TWO, "a")]).toEqual([true, false]);
});

test("looking takes nothing, and a charge can leave something to pay", () => {
  const buckets = createMemoryBuckets(() => 0);
  for (let look = 0; look < 5; look += 1) expect(buckets.look(TWO, "a")).toMatchObject({ allowed: true, remaining: 2 });
  expect(buckets.charge(TWO, "a", 5)).toBe(3000);
  expect(buckets.look(TWO, "a")).toMatchObject({ allowed: false, remaining: 0, retryAfterMs: 4000 });
});

test("so many buckets are kept; the one that was used longest ago is forgotten first, and no rule's by another's", () => {
  const buckets = createMemoryBuckets(() => 0, 3);
  const other = { ...TWO, name: "other" };
  for (const key of ["a", "b", "c"]) buckets.charge(TWO, key, 2);
  for (const key of ["x", "y", "z", "w"]) buckets.charge(other, key, 2);
  expect(buckets.look(TWO, "a").allowed).toBe(false);
  buckets.charge(TWO, "d", 2);
  expect(buckets.look(TWO, "a").allowed).toBe(false);
  expect(buckets.look(TWO, "b").allowed).toBe(true);
});
