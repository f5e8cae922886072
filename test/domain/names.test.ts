/** What is derived from names and numbers: ids, partitions, waits. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { changeBody, changeData, changeId, numberChange, parseChangeId } from "../../src/domain/change";
import { deliveryId, RETRY_WAITS_MS, retryWaitMs } from "../../src/domain/delivery";
import { fnv1a32, isSensorId, partitionOf, PROBE_ID, TICK_ID } from "../../src/domain/sensor";
import { currentState, pendingState } from "../../src/domain/state";
import { BEGINS, live, SENSOR, timelines } from "./timeline";

describe("fnv1a32", () => {
  test("agrees with the published vectors", () => {
    // http://www.isthe.com/chongo/tech/comp/fnv/ (test vectors, FNV-1a 32 bit)
    expect(fnv1a32("")).toBe(0x811c9dc5);
    expect(fnv1a32("a")).toBe(0xe40c292c);
    expect(fnv1a32("foobar")).toBe(0xbf9cf968);
  });

  test("puts a, b, c, d, e where nats-server's partition(4,1) puts them", () => {
    expect("abcde".split("").map((id) => partitionOf(id, 4))).toEqual([0, 1, 2, 3, 0]);
  });

  test("names a partition that is there, the only one when there is one", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 1024 }), (id, partitions) => {
        const partition = partitionOf(id, partitions);
        expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true);
        expect(partition).toBe(fnv1a32(id) % partitions);
      }),
    );
  });
});

describe("a sensor's id", () => {
  test.each(["a", "boiler-7", "A:b_c-9", "0", "a".repeat(128)])("can be %s", (id) => {
    expect(isSensorId(id)).toBe(true);
  });

  test.each(["", "a.b", "a*", ">", "a b", "a/b", "%2e", "é", "-a", ":a", "_a", "a\n", "a".repeat(129), PROBE_ID, TICK_ID])(
    "cannot be %p",
    (id) => {
      expect(isSensorId(id)).toBe(false);
    },
  );
});

describe("a change's id", () => {
  test("tells the partition and the number that it was derived from", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1023 }), fc.integer({ min: 1, max: 999_999_999_999_999 }), (partition, number) => {
        expect(parseChangeId(changeId(partition, number))).toEqual({ partition, number });
      }),
    );
  });

  test("is the only one of its change: what is not ours is none", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."chg_0123456789".split("")) })), (id) => {
        const parsed = parseChangeId(id);
        if (parsed !== null) expect(changeId(parsed.partition, parsed.number)).toBe(id);
      }),
    );
    for (const id of ["chg_00_1", "chg_0_01", "chg_0_0", "chg_0_-1", "chg_0_1\n", "chg_0_1e3"]) expect(parseChangeId(id), id).toBeNull();
  });
});

describe("a change", () => {
  test("has one body for ever: the text that was written with it, in a webhook's shape", () => {
    fc.assert(
      fc.property(timelines, (timeline) => {
        for (const [index, draft] of live(SENSOR, timeline)
          .flatMap(({ change }) => change ?? [])
          .entries()) {
          const change = numberChange(draft, SENSOR, 3, index + 1);
          const body: unknown = JSON.parse(changeBody(change.kind, change.occurredAt, JSON.stringify(changeData(change))));
          expect(body).toEqual({
            type: `sensor.${change.kind}.changed`,
            timestamp: new Date(change.occurredAt).toISOString(),
            data: {
              changeId: `chg_3_${index + 1}`,
              sensorId: "boiler-7",
              sensor: { name: "Boiler 7", labels: { site: "north" } },
              revision: change.revision,
              kind: change.kind,
              from: change.from,
              to: change.to,
              cause: change.cause,
              occurredAt: new Date(change.occurredAt).toISOString(),
              detectedAt: new Date(change.detectedAt).toISOString(),
              previousDurationMs: change.previousDurationMs,
              report: change.report,
            },
          });
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("a delivery's id", () => {
  test("is derived from webhook and change, and holds no dot", () => {
    expect(deliveryId("wh_0198", 3, 42)).toBe("wh_0198_3_42");
    expect(deliveryId("wh_0198", 3, 42)).not.toContain(".");
  });
});

describe("the wait before another try", () => {
  test("is the schedule's, stretched by up to a tenth; the last one repeats", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (failures, random) => {
        const planned = RETRY_WAITS_MS[failures - 1] ?? RETRY_WAITS_MS.at(-1) ?? 0;
        const wait = retryWaitMs(failures, random);
        expect(wait).toBeGreaterThanOrEqual(planned);
        expect(wait).toBeLessThanOrEqual(Math.round(planned * 1.1));
      }),
    );
  });

  test("never grows shorter with another failure", () => {
    for (let failures = 1; failures < 20; failures += 1)
      expect(retryWaitMs(failures + 1, 0)).toBeGreaterThanOrEqual(retryWaitMs(failures, 0));
  });
});

describe("a sensor registered again under its id", () => {
  test("is never heard yet, and goes on from its revision", () => {
    const written = { ...pendingState(1), status: "hot", availability: "offline" as const, revision: 7, atMax: BEGINS, since: BEGINS };
    expect(currentState(written, 1)).toBe(written);
    expect(currentState(written, 2)).toEqual({ ...pendingState(2), revision: 7, atMax: BEGINS });
    expect(currentState(null, 1)).toEqual(pendingState(1));
  });
});
