import { expect } from "bun:test";
import type { Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { delivered, threeOwed } from "./planner";
import { addWebhook, FAR, FIRST_PAGE, letterOf, LOG_BEGINS, reportOf } from "./samples";

const NOTHING = { reports: 0, changes: 0, deliveries: 0, deadLetters: 0 };
const MANY = 1000;

/** Prunes until a round takes nothing; fails when a round takes more than it may of a table. Gives the sums. */
async function pruneAll(store: Store, before: Parameters<Store["prune"]>[0], limit: number): Promise<Record<string, number>> {
  const total: Record<string, number> = {};
  for (let round = 0; ; round += 1) {
    const taken = await store.prune(before, limit);
    for (const [table, count] of Object.entries(taken)) {
      // Attempts go with their delivery, of which each may have several.
      if (table !== "attempts") expect(count).toBeLessThanOrEqual(limit);
      total[table] = (total[table] ?? 0) + count;
    }
    if (Object.values(taken).every((count) => count === 0))
      return Object.fromEntries(Object.entries(total).filter(([, count]) => count > 0));
    if (round > 100) throw new Error("pruning does not end");
  }
}

async function changeNumbers(store: Store, partition = 0): Promise<number[]> {
  return (await store.changesAfter(partition, 0, MANY)).map(({ number }) => number);
}

export const maintenancePromises: readonly Promises[] = [
  promises("pruning", {
    "takes nothing that is not old": async (store) => {
      await addWebhook(store, "w");
      const { owner, planner } = await threeOwed(store);
      await owner.publishAll();
      await planner.settle(delivered(await planner.head("w", "a")));
      await owner.commit({ reports: [reportOf(5, "a")], deadLetters: [letterOf(6)] });
      expect(await pruneAll(store, NOTHING, MANY)).toEqual({});
      const long = Date.now() - 60_000;
      expect(await pruneAll(store, { reports: long, changes: long, deliveries: long, deadLetters: LOG_BEGINS }, MANY)).toEqual({});
      expect(await changeNumbers(store)).toEqual([1, 2, 3]);
    },

    "takes old reports of every partition, so many at a time": async (store) => {
      for (const partition of [0, 1]) {
        await (await Owner.of(store, partition)).commit({ reports: [1, 2, 3].map((sequence) => reportOf(sequence, "a")) });
      }
      expect(await store.prune({ ...NOTHING, reports: FAR }, 4)).toMatchObject({ reports: 4, changes: 0 });
      expect((await store.listReports("a", { range: {}, order: "asc" }, FIRST_PAGE)).items).toHaveLength(2);
      expect(await pruneAll(store, { ...NOTHING, reports: FAR }, 1)).toEqual({ reports: 2 });
      expect(await store.knownReports([{ sensorId: "a", reportId: "x" }], 0)).toEqual([null]);
    },

    "leaves reports that were recorded since, those of a recreated stream too": async (store) => {
      const owner = await Owner.of(store);
      const first = await owner.commit({ reports: [reportOf(7, "a"), reportOf(8, "a")] });
      while (Date.now() <= first) await Bun.sleep(1);
      const second = await owner.commit({ reports: [reportOf(1, "a")], to: { generation: 2, cursor: 1 } });
      expect(await pruneAll(store, { ...NOTHING, reports: second }, 1)).toEqual({ reports: 2 });
      expect((await store.listReports("a", { range: {}, order: "asc" }, FIRST_PAGE)).items).toMatchObject([{ sequence: 1 }]);
    },

    "leaves every change that is not yet published or not yet planned": async (store) => {
      const { owner, planner } = await threeOwed(store);
      const before = { ...NOTHING, changes: FAR };
      expect(await pruneAll(store, before, MANY)).toEqual({});
      await store.markPublished(owner.lease, 2);
      expect(await pruneAll(store, before, 1)).toEqual({ changes: 2 });
      await owner.change(["a", "b"]);
      await owner.publishAll();
      expect(await pruneAll(store, before, MANY)).toEqual({ changes: 1 });
      expect(await changeNumbers(store)).toEqual([4, 5]);
      await planner.owe(await store.changesAfter(0, 3, 1).then((found) => found.map((each) => ({ ...each, revision: 9 }) as never)), []);
      expect(await pruneAll(store, before, MANY)).toEqual({ changes: 1 });
      expect(await changeNumbers(store)).toEqual([5]);
    },

    "leaves the changes of a partition that nobody plans, and the numbers go on": async (store, opened) => {
      const { owner } = await threeOwed(store);
      await owner.publishAll();
      const other = await Owner.of(store, 1);
      await other.change(["z"]);
      await other.publishAll();
      expect(await pruneAll(store, { ...NOTHING, changes: FAR }, MANY)).toEqual({ changes: 3 });
      expect(await changeNumbers(store, 1)).toEqual([1]);
      const heir = await Owner.of(await opened.reopen());
      expect(heir.position).toMatchObject({ changeNumber: 3, published: 3 });
    },

    "takes old deliveries with their attempts, and leaves those that are pending": async (store) => {
      await addWebhook(store, "w");
      const { owner, planner, ids } = await threeOwed(store);
      await planner.settle(delivered(await planner.head("w", "a")), delivered(await planner.head("w", "b")));
      await planner.owe(await owner.change(["c"]), ["w"], { state: "skipped", reason: "disabled" });
      const before = { ...NOTHING, deliveries: FAR };
      expect(await pruneAll(store, before, 1)).toEqual({ deliveries: 3, attempts: 2 });
      expect((await store.listDeliveries({}, FIRST_PAGE)).items).toMatchObject([{ id: ids[1], state: "pending" }]);
      expect(await store.getDelivery(ids[0])).toBeNull();
      await planner.settle(delivered(await planner.head("w", "a")));
      expect(await pruneAll(store, before, MANY)).toEqual({ deliveries: 1, attempts: 1 });
    },

    "takes old dead letters by when they were received, the oldest first": async (store) => {
      await store.recordStrays("STRAYS", [letterOf(1), letterOf(2), letterOf(3), letterOf(4)], { sequence: 4, timeNs: "1" });
      await store.prune({ ...NOTHING, deadLetters: FAR }, 1);
      expect((await store.listDeadLetters(FIRST_PAGE)).items.map(({ sequence }) => sequence)).toEqual([4, 3, 2]);
      expect(await pruneAll(store, { ...NOTHING, deadLetters: LOG_BEGINS + 4 }, 1)).toEqual({ dead_letters: 2 });
      expect((await store.listDeadLetters(FIRST_PAGE)).items.map(({ sequence }) => sequence)).toEqual([4]);
      expect(await store.strayCursor("STRAYS")).toMatchObject({ sequence: 4 });
    },
  }),
];
