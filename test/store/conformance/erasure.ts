import { expect } from "bun:test";
import type { ErasedSlice, Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { delivered, Planner } from "./planner";
import { addWebhook, allPages, draftOf, FIRST_PAGE, reportOf, sensorOf } from "./samples";

const LIMIT = 1000;

/** Takes out all that can go; fails when a slice takes more than it may, or it does not end. Gives the slices. */
export async function eraseAll(store: Store, limit = LIMIT): Promise<ErasedSlice[]> {
  const slices: ErasedSlice[] = [];
  for (let after = ""; ;) {
    const slice = await store.eraseHistory(after, limit);
    if (slice === null) return slices;
    slices.push(slice);
    const { sensorId, rows, finished, goesOn } = slice;
    for (const table of ["reports", "changes", "deliveries"] as const) expect(rows[table]).toBeLessThanOrEqual(limit);
    if (finished || (!goesOn && Object.values(rows).every((count) => count === 0))) after = sensorId;
    if (slices.length > 200) throw new Error("erasing does not end");
  }
}

function sumOf(slices: readonly ErasedSlice[]) {
  const sum = { reports: 0, changes: 0, deliveries: 0, attempts: 0 };
  for (const { rows } of slices) for (const table of Object.keys(sum) as (keyof typeof sum)[]) sum[table] += rows[table];
  return sum;
}

async function shown(store: Store, sensorId: string) {
  const revisions: number[] = [];
  const sequences: number[] = [];
  for (const limit of [1, 2, LIMIT]) {
    for (const order of ["asc", "desc"] as const) {
      const changes = await allPages((page) => store.listChanges({ sensorId, range: {}, order }, page), limit);
      const reports = await allPages((page) => store.listReports(sensorId, { range: {}, order }, page), limit);
      if (order === "desc") changes.reverse();
      if (order === "desc") reports.reverse();
      if (revisions.length === 0) revisions.push(...changes.map(({ revision }) => revision));
      if (sequences.length === 0) sequences.push(...reports.map(({ sequence }) => sequence));
      expect(changes.map(({ revision }) => revision)).toEqual(revisions);
      expect(reports.map(({ sequence }) => sequence)).toEqual(sequences);
    }
  }
  return { revisions, sequences };
}

async function changedSensors(store: Store): Promise<string[]> {
  const all: string[] = [];
  for (const order of ["asc", "desc"] as const) {
    const { items } = await store.listChanges({ range: {}, order }, FIRST_PAGE);
    const ids = items.map(({ sensorId }) => sensorId);
    if (order === "asc") all.push(...ids);
    else expect(ids.toReversed()).toEqual(all);
  }
  return all;
}

/** Two sensors with three reports and two changes each, which `w` is owed. */
export async function aHistory(store: Store) {
  await addWebhook(store, "w");
  for (const id of ["a", "b"]) await store.createSensor(draftOf(id, { name: `Name of ${id}`, labels: { site: "north" } }));
  const owner = await Owner.of(store);
  const reports = ["a", "b", "a", "b", "a", "b"].map((id, index) => reportOf(index + 1, id, { report: { id: `m-${index}` } }));
  await owner.heard({ a: {}, b: {} });
  await owner.commit({ reports: reports.map((row) => ({ ...row, sequence: row.sequence + owner.position.cursor })) });
  const planner = await Planner.of(store);
  const changes = await owner.change(["a", "b", "a", "b"]);
  return { owner, planner, changes };
}

export async function erase(store: Store, owner: Owner, id = "a"): Promise<void> {
  await store.deleteSensor(id, null, { history: "delete" });
  await owner.refresh();
}

export const erasurePromises: readonly Promises[] = [
  promises("a history that is deleted with its sensor", {
    "is shown to nobody at once, and others' stay": async (store) => {
      const { owner } = await aHistory(store);
      expect(await shown(store, "a")).toMatchObject({ revisions: [1, 2] });
      await erase(store, owner);
      expect(await shown(store, "a")).toEqual({ revisions: [], sequences: [] });
      expect((await shown(store, "b")).sequences).toHaveLength(3);
      expect(await changedSensors(store)).toEqual(["b", "b"]);
      const [tombstone] = await store.loadSensors(["a"]);
      expect(tombstone).toMatchObject({ deleted: true, sensor: { name: "a", labels: {}, metadata: {} }, state: { revision: 1 } });
    },

    "is another's than what comes later, be it in the same millisecond": async (store) => {
      const { owner } = await aHistory(store);
      for (let life = 2; life <= 12; life += 1) {
        await erase(store, owner);
        const sequence = owner.position.cursor + 1;
        await owner.commit({ registrations: [sensorOf("a", { life })], reports: [reportOf(sequence, "a")] });
        const [change] = await owner.change(["a"]);
        expect(await shown(store, "a")).toEqual({ revisions: [change?.revision as number], sequences: [sequence] });
      }
    },

    "stays as long as it is not yet published, not yet planned, or owed to somebody": async (store) => {
      const { owner, planner, changes } = await aHistory(store);
      await erase(store, owner);
      const left = async () => (await store.changesAfter(0, 0, LIMIT)).map(({ number }) => number);
      expect(sumOf(await eraseAll(store))).toEqual({ reports: 3, changes: 0, deliveries: 0, attempts: 0 });
      expect(await left()).toEqual([1, 2, 3, 4]);
      await planner.owe(changes, ["w"]);
      expect(sumOf(await eraseAll(store)).changes).toBe(0);
      await owner.publishAll();
      expect(sumOf(await eraseAll(store)).changes).toBe(0);
      await planner.settle(delivered(await planner.head("w", "a")));
      expect(sumOf(await eraseAll(store))).toEqual({ reports: 0, changes: 1, deliveries: 1, attempts: 1 });
      expect(await left()).toEqual([2, 3, 4]);
      const head = await planner.head("w", "a");
      expect(await store.loggedChange(0, head.number)).toMatchObject({ number: 3 });
      await planner.settle(delivered(head));
      const slices = await eraseAll(store);
      expect(sumOf(slices)).toEqual({ reports: 0, changes: 1, deliveries: 1, attempts: 1 });
      expect(slices).toMatchObject([{ sensorId: "a", finished: true }]);
      expect(await eraseAll(store)).toEqual([]);
      expect(await left()).toEqual([2, 4]);
      expect((await store.listDeliveries({}, FIRST_PAGE)).items.map(({ sensorId }) => sensorId)).toEqual(["b", "b"]);
      expect((await shown(store, "b")).sequences).toHaveLength(3);
    },

    "goes in slices, and what came later stays": async (store, opened) => {
      const { owner, planner, changes } = await aHistory(store);
      await planner.owe(changes, ["w"], { state: "skipped", reason: "disabled" });
      await owner.publishAll();
      await erase(store, owner);
      await store.createSensor(draftOf("a", { labels: { site: "south" } }));
      await owner.refresh();
      const sequence = owner.position.cursor + 1;
      await owner.commit({ reports: [reportOf(sequence, "a")] });
      const later = await owner.change(["a"]);
      await planner.owe(later, ["w"], { state: "skipped", reason: "disabled" });
      await owner.publishAll();
      const slices = await eraseAll(store, 1);
      expect(slices.length).toBeGreaterThan(2);
      expect(slices.at(-1)).toMatchObject({ finished: true });
      expect(sumOf(slices)).toEqual({ reports: 3, changes: 2, deliveries: 2, attempts: 0 });
      const kept = { revisions: [3], sequences: [sequence] };
      expect(await shown(store, "a")).toEqual(kept);
      expect(await shown(await opened.reopen(), "a")).toEqual(kept);
    },

    "is nothing at once where there was none, and others wait for nobody": async (store) => {
      const { owner, planner, changes } = await aHistory(store);
      await planner.owe(changes, ["w"]);
      await owner.publishAll();
      await store.createSensor(draftOf("z"));
      for (const id of ["a", "z"]) await store.deleteSensor(id, null, { history: "delete" });
      const slices = await eraseAll(store);
      expect(slices.map(({ sensorId, finished }) => [sensorId, finished])).toEqual([
        ["a", false],
        ["a", false],
        ["z", true],
      ]);
    },

    "is no loss to whoever follows all changes, wherever they have come to; what is pruned by its age is": async (store) => {
      const { owner, planner, changes } = await aHistory(store);
      await planner.owe(changes, []);
      // Of the first and of the last changes of the log nothing is left then.
      await planner.owe(await owner.change(["a"]), []);
      await owner.publishAll();
      const lost = async () => {
        const { changeNumber } = owner.position;
        const cursors = Array.from({ length: changeNumber + 1 }, (_, reached) => [reached]);
        const slices = await Promise.all(
          [...cursors, []].map((from) => store.readChanges({ from, range: {}, order: "asc" }, { rows: LIMIT, bytes: LIMIT * LIMIT })),
        );
        return slices.map(({ missed }) => missed);
      };
      expect(await lost()).toEqual([0, 0, 0, 0, 0, 0, 0]);
      await erase(store, owner);
      expect(sumOf(await eraseAll(store)).changes).toBe(3);
      expect(await lost()).toEqual([0, 0, 0, 0, 0, 0, 0]);
      await erase(store, owner, "b");
      expect(sumOf(await eraseAll(store)).changes).toBe(2);
      expect(await lost()).toEqual([0, 0, 0, 0, 0, 0, 0]);
      await planner.owe(await owner.change(["c", "d", "c"]), []);
      await owner.publishAll();
      await store.prune({ reports: 0, changes: Date.now() + 60_000, deliveries: 0, deadLetters: 0 }, 2);
      expect(await lost()).toEqual([7, 6, 5, 4, 3, 2, 1, 0, 0, 7]);
    },

    "of which some was pruned goes as well": async (store) => {
      const { owner, planner, changes } = await aHistory(store);
      await planner.owe(changes, ["w"]);
      await owner.publishAll();
      await erase(store, owner);
      const far = Date.now() + 60_000;
      await store.prune({ reports: far, changes: far, deliveries: 0, deadLetters: 0 }, LIMIT);
      expect((await eraseAll(store)).some(({ finished }) => finished)).toBe(false);
      for (let head = await planner.heads("w"); head.length > 0; head = await planner.heads("w")) {
        await planner.settle(...head.map((each) => delivered(each)));
      }
      const slices = await eraseAll(store);
      expect(sumOf(slices)).toEqual({ reports: 0, changes: 0, deliveries: 2, attempts: 2 });
      expect(slices.at(-1)).toMatchObject({ finished: true });
    },

    "twice over two lives goes whole": async (store) => {
      const { owner, planner, changes } = await aHistory(store);
      await planner.owe(changes, []);
      await owner.publishAll();
      await erase(store, owner);
      await store.createSensor(draftOf("a"));
      await owner.refresh();
      await owner.commit({ reports: [reportOf(owner.position.cursor + 1, "a")] });
      await store.deleteSensor("a", null);
      await owner.refresh();
      expect((await shown(store, "a")).sequences).toHaveLength(1);
      await store.createSensor(draftOf("a"));
      await erase(store, owner);
      expect(await shown(store, "a")).toEqual({ revisions: [], sequences: [] });
      expect(sumOf(await eraseAll(store))).toEqual({ reports: 4, changes: 2, deliveries: 0, attempts: 0 });
    },
  }),
];
