import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { shareOut } from "../../src/partition/share";
import type { LiveNode } from "../../src/store/store";

const PARTITIONS = 16;

function nodes(...ids: string[]): LiveNode[] {
  return ids.map((id) => ({ id, roles: ["ingest", "notify"] }));
}

const NAMES = fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,20}$/), { minLength: 1, maxLength: 24 });

function counts(shares: ReadonlyMap<number, string> | null): number[] {
  const byNode = Map.groupBy(shares ?? [], ([, id]) => id);
  return [...byNode.values()].map((each) => each.length);
}

function moved(before: ReadonlyMap<number, string> | null, after: ReadonlyMap<number, string> | null): number {
  return [...(before ?? [])].filter(([partition, id]) => after?.get(partition) !== id).length;
}

describe("partitions are shared out", () => {
  test("each to one node that lives, and to none more than the even share", () => {
    fc.assert(
      fc.property(NAMES, fc.integer({ min: 1, max: 64 }), (names, partitions) => {
        const shares = shareOut(nodes(...names), "ingest", partitions);
        expect(shares?.size).toBe(partitions);
        for (const id of shares?.values() ?? []) expect(names).toContain(id);
        expect(Math.max(...counts(shares))).toBeLessThanOrEqual(Math.ceil(partitions / names.length));
      }),
    );
  });

  test("the same way whatever order the nodes are told in", () => {
    fc.assert(
      fc.property(
        NAMES.chain((names) => fc.tuple(fc.constant(names), fc.shuffledSubarray(names, { minLength: names.length }))),
        ([one, other]) => {
          expect(shareOut(nodes(...one), "notify", PARTITIONS)).toEqual(shareOut(nodes(...other), "notify", PARTITIONS));
        },
      ),
    );
  });

  test("among those alone that work in the role", () => {
    const some: LiveNode[] = [
      { id: "a", roles: ["ingest"] },
      { id: "b", roles: ["notify"] },
    ];
    expect([...new Set(shareOut(some, "ingest", PARTITIONS)?.values())]).toEqual(["a"]);
    expect([...new Set(shareOut(some, "notify", PARTITIONS)?.values())]).toEqual(["b"]);
    expect(shareOut([{ id: "c", roles: [] }], "ingest", PARTITIONS)).toBeNull();
    expect(shareOut([], "ingest", PARTITIONS)).toBeNull();
  });

  test("so that few move when somebody comes or goes", () => {
    let most = 0;
    for (let round = 0; round < 200; round += 1) {
      const three = [0, 1, 2].map((index) => `node-${round}-${index}`);
      const before = shareOut(nodes(...three), "ingest", PARTITIONS);
      most = Math.max(most, moved(before, shareOut(nodes(...three, "another"), "ingest", PARTITIONS)));
    }
    // A fourth node takes 4; shared out anew without regard, about 12 would move.
    expect(most).toBeLessThanOrEqual(10);
  });
});
