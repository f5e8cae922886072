import { expect } from "bun:test";
import { type ChangeCursor, movable } from "../../../src/domain/changeCursor";
import { movePast } from "../../../src/store/feedRows";
import type { FeedQuery, FeedSlice, Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { Planner } from "./planner";
import { changeOf, draftOf, FAR } from "./samples";

const PLENTY = { rows: 1000, bytes: 1024 * 1024 } as const;
const UP = { range: {}, order: "asc" } as const;
const DOWN = { range: {}, order: "desc" } as const;

function told({ changes }: Pick<FeedSlice, "changes">): string[] {
  return changes.map(({ partition, number }) => `${partition}.${number}`);
}

/** Where the next slice goes on. */
function endOf({ start, changes }: FeedSlice, order: FeedQuery["order"]): ChangeCursor {
  const cursor = movable(start);
  for (const change of changes) movePast(cursor, order, change);
  return cursor;
}

/** Slice by slice, to the end. */
async function walked(store: Store, query: FeedQuery, rows: number): Promise<string[]> {
  const all: string[] = [];
  for (let { from } = query; ;) {
    const slice = await store.readChanges({ ...query, from }, { ...PLENTY, rows });
    expect(slice.changes.length).toBeLessThanOrEqual(rows);
    all.push(...told(slice));
    from = endOf(slice, query.order);
    if (!slice.more) return all;
    expect(slice.changes.length).toBeGreaterThan(0);
  }
}

async function waitForNextMillisecond(): Promise<void> {
  for (const from = Date.now(); Date.now() <= from + 1;) await Bun.sleep(1);
}

/** Takes out the first changes of every partition that were recorded until now, as many as are asked for. */
async function pruneFirst(store: Store, owners: readonly Owner[], count: number): Promise<void> {
  for (const owner of owners) {
    await owner.publishAll();
    const { lease } = owner;
    const acquired = await store.acquireLease({ ...lease, role: "notify", ttlMs: 60_000, takeOver: true });
    if (acquired === null) throw new Error("the lease was not given");
    const { version } = await store.webhookSet();
    const from = acquired.position.changeNumber;
    const plan = {
      lease: acquired.lease,
      leaseTtlMs: 60_000,
      webhooksVersion: version,
      from,
      to: owner.position.changeNumber,
      deliveries: [],
    };
    if (from < plan.to) expect((await store.commitPlan(plan)).kind).toBe("planned");
  }
  const { changes } = await store.prune({ reports: 0, changes: FAR, deliveries: 0, deadLetters: 0 }, count);
  expect(changes).toBe(count);
}

/** Changes of sensors in turns, all published and planned; `a` is to be erased. */
async function inTurns(store: Store, sensorIds: readonly string[]): Promise<Owner> {
  for (const id of new Set(sensorIds)) await store.createSensor(draftOf(id));
  const owner = await Owner.of(store);
  const planner = await Planner.of(store);
  await planner.owe(await owner.change(sensorIds), []);
  await owner.publishAll();
  await store.deleteSensor("a", null, { history: "delete" });
  await owner.refresh();
  return owner;
}

/** Takes what is erased out of the tables. */
async function takeErasedOut(store: Store): Promise<void> {
  for (let slices = 0; (await store.eraseHistory("", 1000)) !== null; slices += 1) expect(slices).toBeLessThan(10);
}

export const changeFeedPromises: readonly Promises[] = [
  promises("the walk along all changes", {
    "goes by when they were recorded, each partition in the order of its numbers, in slices of any size, both ways": async (store) => {
      const [one, other] = [await Owner.of(store, 0), await Owner.of(store, 3)];
      for (const owner of [one, other, other, one]) {
        await owner.change([`a${owner.lease.partition}`, `b${owner.lease.partition}`]);
        await waitForNextMillisecond();
      }
      const all = ["0.1", "0.2", "3.1", "3.2", "3.3", "3.4", "0.3", "0.4"];
      for (const rows of [1, 2, 3, 7, 8, 100]) {
        expect(await walked(store, { from: null, ...UP }, rows)).toEqual(all);
        expect(await walked(store, { from: null, ...DOWN }, rows)).toEqual(all.toReversed());
      }
    },

    "turns round at any place: what lies behind it, and what lies before it, is everything once": async (store) => {
      const owners = [await Owner.of(store, 0), await Owner.of(store, 1)];
      for (let round = 0; round < 3; round += 1) for (const owner of owners) await owner.change([`s${owner.lease.partition}`]);
      const all = await walked(store, { from: null, ...UP }, 100);
      for (let count = 1; count <= all.length; count += 1) {
        const slice = await store.readChanges({ from: null, ...UP }, { ...PLENTY, rows: count });
        const place = endOf(slice, "asc");
        expect(await walked(store, { from: place, ...UP }, 100)).toEqual(all.slice(count));
        expect((await walked(store, { from: place, ...DOWN }, 100)).toSorted()).toEqual(all.slice(0, count).toSorted());
      }
    },

    "sees every later change once from where it ended, whatever partition it comes in": async (store) => {
      const owners = [await Owner.of(store, 0), await Owner.of(store, 1)];
      const seen: string[] = [];
      let from: ChangeCursor | null = null;
      for (let round = 0; round < 6; round += 1) {
        const slice = await store.readChanges({ from, ...UP }, { ...PLENTY, rows: 2 });
        seen.push(...told(slice));
        from = endOf(slice, "asc");
        await (owners[round % 2] as Owner).change([`s${round % 2}`, `t${round % 2}`]);
      }
      // A partition whose first change comes late.
      await (await Owner.of(store, 9)).change(["x"]);
      seen.push(...(await walked(store, { from, ...UP }, 3)));
      expect(seen.toSorted()).toEqual((await walked(store, { from: null, ...UP }, 100)).toSorted());
      expect(new Set(seen).size).toBe(13);
    },

    "keeps to a range of when they were recorded, from a cursor too": async (store) => {
      const owners = [await Owner.of(store, 0), await Owner.of(store, 1)];
      const times: number[] = [];
      for (let round = 1; round <= 4; round += 1) {
        for (const owner of owners) await owner.change([`s${owner.lease.partition}`]);
        times[round] = (await store.changesAfter(0, round - 1, 1))[0]?.recordedAt ?? 0;
        await waitForNextMillisecond();
      }
      const range = { since: times[2] as number, until: times[4] as number };
      const within = ["0.2", "1.2", "0.3", "1.3"];
      expect(await walked(store, { from: null, range, order: "asc" }, 3)).toEqual(within);
      expect(await walked(store, { from: null, range, order: "desc" }, 3)).toEqual(within.toReversed());
      expect(await walked(store, { from: [2, 1], range, order: "asc" }, 3)).toEqual(["1.2", "0.3", "1.3"]);
      expect(await walked(store, { from: [2, 1], range, order: "desc" }, 3)).toEqual(["0.2"]);
      const { start } = await store.readChanges({ from: null, range: { since: FAR }, order: "asc" }, PLENTY);
      expect([start, await walked(store, { from: start, ...UP }, 3)]).toEqual([[4, 4], []]);
    },

    "ends a slice before it grows large, but gives one change at least": async (store) => {
      const owner = await Owner.of(store);
      const report = { value: 1, message: "x".repeat(20_000), attributes: null };
      const changes = [1, 2, 3, 4, 5].map((number) => changeOf(number, "a", { revision: number, report }));
      await owner.commit({ changes });
      const count = async (bytes: number) => {
        const { changes: found, more } = await store.readChanges({ from: null, ...UP }, { rows: 100, bytes });
        return [found.length, more];
      };
      expect(await count(1)).toEqual([1, true]);
      expect(await count(30_000)).toEqual([2, true]);
      expect(await count(1_000_000)).toEqual([5, false]);
      const { changes: down } = await store.readChanges({ from: null, ...DOWN }, { rows: 100, bytes: 30_000 });
      expect(down.map(({ number }) => number)).toEqual([5, 4]);
    },

    "tells how many changes it missed, and goes on at the oldest that are kept": async (store) => {
      const owners = [await Owner.of(store, 0), await Owner.of(store, 1)];
      for (const owner of owners) await owner.change(["a", "b", "a", "b", "a"].map((id) => `${id}${owner.lease.partition}`));
      await waitForNextMillisecond();
      await pruneFirst(store, owners, 8);
      const from = (cursor: ChangeCursor | null) => store.readChanges({ from: cursor, ...UP }, PLENTY);
      expect(await from(null)).toMatchObject({ missed: 0, foreign: false, start: [5, 3] });
      expect(await from([2, 1])).toMatchObject({ missed: 5, foreign: false, start: [5, 3] });
      expect(await from([])).toMatchObject({ missed: 8, foreign: false, start: [5, 3] });
      for (const slice of [await from(null), await from([2, 1]), await from([5, 3])]) expect(told(slice)).toEqual(["1.4", "1.5"]);
      expect(await from([5, 3])).toMatchObject({ missed: 0 });
      expect(await from([5, 5])).toMatchObject({ missed: 0, changes: [], more: false });
      const down = await store.readChanges({ from: [5, 4], ...DOWN }, PLENTY);
      expect([told(down), down.missed, down.more]).toEqual([["1.4"], 0, false]);
    },

    "knows a cursor of another log, which lies beyond every change of this one": async (store) => {
      await (await Owner.of(store, 1)).change(["a", "b"]);
      const isForeign = async (from: ChangeCursor, order: FeedQuery["order"]) =>
        (await store.readChanges({ from, range: {}, order }, PLENTY)).foreign;
      for (const order of ["asc", "desc"] as const) {
        expect(await isForeign([0, 2], order)).toBe(false);
        expect(await isForeign([0, 3], order)).toBe(true);
        expect(await isForeign([1, 2], order)).toBe(true);
        expect(await isForeign([0, 2, 1], order)).toBe(true);
        expect(await isForeign([0, 2, 0, 0], order)).toBe(false);
      }
    },

    "begins an empty log at its beginning": async (store) => {
      for (const order of ["asc", "desc"] as const) {
        const slice = await store.readChanges({ from: null, range: {}, order }, PLENTY);
        expect(slice).toEqual({ changes: [], start: [], more: false, missed: 0, foreign: false });
      }
    },
  }),

  promises("the walk along changes of which some are erased", {
    "shows none of them, nor counts them, as long as they are not taken out": async (store) => {
      await inTurns(store, ["a", "b", "a", "a", "b", "a"]);
      expect((await store.changesAfter(0, 0, 10)).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
      for (const rows of [1, 2, 100]) {
        expect(await walked(store, { from: null, ...UP }, rows)).toEqual(["0.2", "0.5"]);
        expect(await walked(store, { from: null, ...DOWN }, rows)).toEqual(["0.5", "0.2"]);
        expect(await walked(store, { from: [3], ...UP }, rows)).toEqual(["0.5"]);
      }
      // What is left behind the last one that is shown is no reason to come again.
      expect(await store.readChanges({ from: null, ...UP }, { ...PLENTY, rows: 2 })).toMatchObject({ more: false, missed: 0 });
      expect(await store.readChanges({ from: [5], ...UP }, PLENTY)).toMatchObject({ changes: [], more: false, missed: 0 });
      for (const order of ["asc", "desc"] as const) {
        const page = await store.listChanges({ sensorId: "a", range: {}, order }, { limit: 1, cursor: null });
        expect(page).toEqual({ items: [], nextCursor: null });
      }
    },

    "misses nothing behind a cursor, be the next ones taken out": async (store) => {
      const owner = await inTurns(store, ["b", "a", "b", "a", "a", "c", "a"]);
      const list = async (cursor: string | null) => store.listChanges(UP, { limit: 1, cursor });
      const { nextCursor } = await list(null);
      await takeErasedOut(store);
      expect((await store.changesAfter(0, 0, 10)).map(({ number }) => number)).toEqual([1, 3, 6]);
      const all = ["0.1", "0.3", "0.6"];
      for (let reached = 1; reached <= 7; reached += 1) {
        const slice = await store.readChanges({ from: [reached], ...UP }, PLENTY);
        expect(slice).toMatchObject({ missed: 0, foreign: false, more: false });
        expect(told(slice)).toEqual(all.filter((each) => Number(each.split(".")[1]) > reached));
      }
      expect((await list(nextCursor)).items.map(({ changeId }) => changeId)).toEqual(["chg_0_3"]);
      await owner.change(["b"]);
      expect(await store.readChanges({ from: [7], ...UP }, PLENTY)).toMatchObject({ missed: 0, changes: [{ number: 8 }] });
    },

    "misses what was pruned behind a cursor, be some of it erased before": async (store) => {
      await inTurns(store, ["b", "a", "b", "a", "b", "b"]);
      await takeErasedOut(store);
      await waitForNextMillisecond();
      expect((await store.prune({ reports: 0, changes: FAR, deliveries: 0, deadLetters: 0 }, 2)).changes).toBe(2);
      for (const [reached, missed] of [
        [1, 2],
        [2, 1],
        [3, 0],
      ] as const) {
        const slice = await store.readChanges({ from: [reached], ...UP }, PLENTY);
        expect([slice.missed, told(slice)]).toEqual([missed, ["0.5", "0.6"]]);
      }
      expect(await store.readChanges({ from: [5], ...UP }, PLENTY)).toMatchObject({ missed: 0, changes: [{ number: 6 }] });
    },
  }),

  promises("a page of changes", {
    "is refused as gone when changes behind its cursor are no longer kept": async (store) => {
      const owner = await Owner.of(store);
      await owner.change(["a", "b", "c", "d"]);
      const list = (cursor: string | null) => store.listChanges(UP, { limit: 1, cursor });
      const { nextCursor } = await list(null);
      await waitForNextMillisecond();
      await pruneFirst(store, [owner], 2);
      await expect(list(nextCursor)).rejects.toMatchObject({ kind: "gone", details: { errors: [{ pointer: "/cursor" }] } });
      expect((await list(null)).items.map(({ changeId }) => changeId)).toEqual(["chg_0_3"]);
    },
  }),
];
