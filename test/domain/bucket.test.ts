import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type BucketRule, charged, DEBT_MS_MAX, debtMs, hasOne, told } from "../../src/domain/bucket";

const TEN: BucketRule = { name: "ten", perSecond: 10, burst: 20 };

/** Takes one at each of these times, if it is there. */
function takeAt(rule: BucketRule, times: readonly number[]): boolean[] {
  let fullAt = 0;
  return times.map((now) => {
    const allowed = hasOne(fullAt, rule, now);
    if (allowed) fullAt = charged(fullAt, rule, 1, now);
    return allowed;
  });
}

describe("a token bucket", () => {
  test("gives its burst at once, and then one for each interval", () => {
    const now = 1_000_000;
    expect(takeAt(TEN, Array<number>(21).fill(now)).filter(Boolean)).toHaveLength(20);
    expect(takeAt(TEN, [...Array<number>(20).fill(now), now + 99, now + 100, now + 100, now + 200]).slice(20)).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  test("tells what is left, when it is full, and when to come again", () => {
    const now = 5000;
    const fullAt = charged(0, TEN, 20, now);
    expect(told(false, fullAt, TEN, now)).toEqual({ allowed: false, remaining: 0, resetMs: 2000, retryAfterMs: 100 });
    expect(told(true, fullAt, TEN, now + 150)).toEqual({ allowed: true, remaining: 1, resetMs: 1850, retryAfterMs: 0 });
    expect(told(true, fullAt, TEN, now + 60_000)).toEqual({ allowed: true, remaining: 20, resetMs: 0, retryAfterMs: 0 });
  });

  test("can be charged more than it holds, up to a debt with a bound", () => {
    const owing = charged(0, TEN, 50, 0);
    expect(debtMs(owing, TEN, 0)).toBe(3000);
    expect([hasOne(owing, TEN, 3099), hasOne(owing, TEN, 3100)]).toEqual([false, true]);
    expect(debtMs(charged(owing, TEN, 1e12, 0), TEN, 0)).toBe(DEBT_MS_MAX);
  });

  test("never gives more than its burst and what came in meanwhile, nor less than it has, whoever asks when", () => {
    const rule = fc.record({
      name: fc.constant("any"),
      perSecond: fc.integer({ min: 1, max: 1e6 }),
      burst: fc.integer({ min: 1, max: 1000 }),
    });
    const gaps = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3000 }), fc.double({ min: 0, max: 5, noNaN: true })), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(rule, gaps, fc.integer({ min: 0, max: 1e9 }), (each, between, start) => {
        let now = start;
        const times = between.map((gap) => (now += gap));
        let level = each.burst;
        let before = start;
        for (const [index, allowed] of takeAt(each, times).entries()) {
          const at = times[index] as number;
          level = Math.min(each.burst, level + ((at - before) * each.perSecond) / 1000);
          before = at;
          // Where it is a matter of rounding, both are right.
          if (Math.abs(level - 1) > 1e-3) expect(allowed).toBe(level >= 1);
          if (allowed) level -= 1;
        }
      }),
    );
  });
});
