import { expect } from "bun:test";
import { changeData } from "../../../src/domain/change";
import type { Store, TimeRange } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { allPages, changeOf, FIRST_PAGE, LOG_BEGINS, reportOf } from "./samples";

const ORDERS = ["asc", "desc"] as const;
const EVERYTHING = { range: {}, order: "asc" } as const;

/** Ranges around the times of a list, those outside of it too, with the numbers that must be found, from 1. */
const RANGES: readonly (readonly [range: TimeRange, numbers: readonly number[]])[] = [
  [{}, [1, 2, 3, 4, 5]],
  [{ since: 3 }, [3, 4, 5]],
  [{ until: 3 }, [1, 2]],
  [{ since: 2, until: 4 }, [2, 3]],
  [{ since: 3, until: 3 }, []],
  [{ since: 6 }, []],
  [{ until: 1 }, []],
  [{ since: 5 }, [5]],
];

function shifted({ since, until }: TimeRange, times: (number: number) => number): TimeRange {
  return { since: since === undefined ? undefined : times(since), until: until === undefined ? undefined : times(until) };
}

async function waitForNextMillisecond(): Promise<void> {
  for (const from = Date.now(); Date.now() <= from + 1;) await Bun.sleep(1);
}

/** The numbers of the changes, as their ids tell them: `2.7` is number 7 of partition 2. */
async function listedChanges(store: Store, query: Parameters<Store["listChanges"]>[0], limit: number): Promise<string[]> {
  const items = await allPages((page) => store.listChanges(query, page), limit);
  return items.map(({ changeId }) => changeId.replace(/^chg_(\d+)_/, "$1."));
}

export const historyPromises: readonly Promises[] = [
  promises("a sensor's reports", {
    "are listed by the time they were received, in both orders, within a range, page by page": async (store) => {
      const owner = await Owner.of(store);
      await owner.commit({ reports: [1, 2, 3, 4, 5].flatMap((number) => [reportOf(number, "a"), reportOf(number + 10, "b")]) });
      for (const order of ORDERS) {
        for (const [range, numbers] of RANGES) {
          const query = { range: shifted(range, (number) => LOG_BEGINS + number), order };
          const wanted = order === "asc" ? numbers : numbers.toReversed();
          for (const limit of [1, 2, 10]) {
            const items = await allPages((page) => store.listReports("a", query, page), limit);
            expect([order, range, limit, items.map(({ sequence }) => sequence)]).toEqual([order, range, limit, [...wanted]]);
          }
        }
      }
      expect(await store.listReports("nobody", EVERYTHING, FIRST_PAGE)).toEqual({ items: [], nextCursor: null });
    },

    "of one millisecond keep the order of the log, over a recreated stream too": async (store) => {
      const owner = await Owner.of(store);
      const receivedAt = LOG_BEGINS;
      await owner.commit({ reports: [8, 9, 10].map((sequence) => reportOf(sequence, "a", { receivedAt })) });
      await owner.commit({
        reports: [1, 2].map((sequence) => reportOf(sequence, "a", { receivedAt })),
        to: { generation: 2, cursor: 2 },
      });
      for (const limit of [1, 2, 3]) {
        const up = await allPages((page) => store.listReports("a", EVERYTHING, page), limit);
        expect(up.map(({ sequence }) => sequence)).toEqual([8, 9, 10, 1, 2]);
        const down = await allPages((page) => store.listReports("a", { range: {}, order: "desc" }, page), limit);
        expect(down.map(({ sequence }) => sequence)).toEqual([2, 1, 10, 9, 8]);
      }
    },

    "end a page early where what they carry grows too large, without losing one": async (store) => {
      const owner = await Owner.of(store);
      const attributes = { trace: "x".repeat(60_000) };
      const sequences = Array.from({ length: 100 }, (_, index) => index + 1);
      await owner.commit({ reports: sequences.map((sequence) => reportOf(sequence, "a", { report: { attributes } })) });
      for (const order of ORDERS) {
        let pages = 0;
        const items = await allPages((page) => {
          pages += 1;
          return store.listReports("a", { range: {}, order }, page);
        }, 1000);
        expect(items.map(({ sequence }) => sequence)).toEqual(order === "asc" ? sequences : sequences.toReversed());
        expect(pages).toBe(2);
      }
    },

    "that come between two pages are on neither, newest first": async (store) => {
      const owner = await Owner.of(store);
      await owner.commit({ reports: [1, 2, 3].map((sequence) => reportOf(sequence, "a")) });
      const more = () => owner.commit({ reports: [reportOf(owner.position.cursor + 1, "a")] });
      const items = await allPages((page) => store.listReports("a", { range: {}, order: "desc" }, page), 1, more);
      expect(items.map(({ sequence }) => sequence)).toEqual([3, 2, 1]);
    },

    "tell which stream they came by and which change they made": async (store) => {
      const owner = await Owner.of(store, 2);
      const reports = [reportOf(7, "a", { disposition: "applied", changeNumber: 1 }), reportOf(8, "a", { disposition: "duplicate" })];
      const recordedAt = await owner.commit({ reports, changes: [changeOf(1, "a", { partition: 2 })] });
      const { items } = await store.listReports("a", EVERYTHING, FIRST_PAGE);
      expect(items).toMatchObject([
        { stream: "REPORTS_1_2", sequence: 7, changeId: "chg_2_1", disposition: "applied", recordedAt },
        { stream: "REPORTS_1_2", sequence: 8, changeId: null, disposition: "duplicate", recordedAt },
      ]);
    },
  }),

  promises("a sensor's changes", {
    "are listed by revision, in both orders, within a range of when they occurred, page by page": async (store) => {
      const owner = await Owner.of(store);
      await owner.change(["a", "b", "a", "a", "b", "a", "a"]);
      const occurred = [0, 1, 3, 4, 6, 7];
      for (const order of ORDERS) {
        for (const [range, revisions] of RANGES) {
          const query = { sensorId: "a", range: shifted(range, (number) => LOG_BEGINS + (occurred[number] ?? number + 2)), order };
          const wanted = order === "asc" ? revisions : revisions.toReversed();
          for (const limit of [1, 2, 10]) {
            const items = await allPages((page) => store.listChanges(query, page), limit);
            expect([order, range, limit, items.map(({ revision }) => revision)]).toEqual([order, range, limit, [...wanted]]);
          }
        }
      }
    },

    "are found by when they occurred wherever they stand: a clock of one's own may be behind": async (store) => {
      const owner = await Owner.of(store);
      const now = Date.now();
      const ago = [90, 80, 5, 70, 4, 60, 3].map((hours) => now - hours * 3_600_000);
      await owner.commit({ changes: ago.map((occurredAt, index) => changeOf(index + 1, "a", { revision: index + 1, occurredAt })) });
      const listed = async (range: TimeRange, order: "asc" | "desc") =>
        (await allPages((page) => store.listChanges({ sensorId: "a", range, order }, page), 2)).map(({ revision }) => revision);
      const since = now - 10 * 3_600_000;
      expect(await listed({ since }, "asc")).toEqual([3, 5, 7]);
      expect(await listed({ since }, "desc")).toEqual([7, 5, 3]);
      expect(await listed({ until: since }, "asc")).toEqual([1, 2, 4, 6]);
      expect(await listed({ until: since }, "desc")).toEqual([6, 4, 2, 1]);
      expect(await listed({ since: now - 75 * 3_600_000, until: since }, "asc")).toEqual([4, 6]);
    },

    "stay within a few MiB a page, and are all there in the end": async (store) => {
      const owner = await Owner.of(store);
      const report = { value: 1, message: "x".repeat(60_000), attributes: null };
      await owner.commit({ changes: Array.from({ length: 100 }, (_, index) => changeOf(index + 1, "a", { revision: index + 1, report })) });
      for (const sensorId of ["a", undefined]) {
        for (const range of [{}, { since: 1 }]) {
          const sizes: number[] = [];
          const items = await allPages(async (page) => {
            const got = await store.listChanges({ sensorId, range, order: "asc" }, page);
            sizes.push(JSON.stringify(got.items).length);
            return got;
          }, 1000);
          expect(items.map(({ revision }) => revision)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
          expect([sizes.length, Math.max(...sizes) < 4.5 * 1024 * 1024]).toEqual([2, true]);
        }
      }
    },

    "are what was recorded with them": async (store) => {
      const owner = await Owner.of(store);
      const changes = await owner.change(["a"], { cause: "timeout", kind: "availability", report: null, previousDurationMs: 5 });
      const { items } = await store.listChanges({ sensorId: "a", ...EVERYTHING }, FIRST_PAGE);
      expect(items).toEqual(changes.map(changeData));
      expect((await store.listChanges(EVERYTHING, FIRST_PAGE)).items).toEqual(items);
    },
  }),

  promises("everyone's changes", {
    "are listed as they were recorded, in both orders, page by page": async (store) => {
      for (const partition of [0, 2, 10])
        await (
          await Owner.of(store, partition)
        ).change(partition === 2 ? [`s${partition}`] : [`s${partition}`, "x", "y"].map((id) => `${id}${partition}`));
      const up = ["0.1", "0.2", "0.3", "2.1", "10.1", "10.2", "10.3"];
      for (const limit of [1, 2, 3, 7, 100]) {
        expect(await listedChanges(store, EVERYTHING, limit)).toEqual(up);
        expect(await listedChanges(store, { range: {}, order: "desc" }, limit)).toEqual(up.toReversed());
      }
    },

    "are found by when they were recorded": async (store) => {
      const owners = [await Owner.of(store, 0), await Owner.of(store, 1)];
      const times: number[] = [];
      for (let round = 1; round <= 5; round += 1) {
        for (const owner of owners) await owner.change([`s${owner.lease.partition}`]);
        times[round] = (await store.changesAfter(0, round - 1, 1))[0]?.recordedAt ?? 0;
        await waitForNextMillisecond();
      }
      for (const [range, numbers] of RANGES) {
        const bounds = shifted(range, (round) => times[round] ?? Date.now() + 1000);
        const wanted = numbers.flatMap((number) => [0, 1].map((partition) => `${partition}.${number}`));
        for (const limit of [2, 100]) {
          expect([range, await listedChanges(store, { range: bounds, order: "asc" }, limit)]).toEqual([range, wanted]);
          expect([range, await listedChanges(store, { range: bounds, order: "desc" }, limit)]).toEqual([range, wanted.toReversed()]);
        }
      }
    },

    "that come between the pages leave those that were there in place": async (store) => {
      const owners = [await Owner.of(store, 0), await Owner.of(store, 1)];
      for (const owner of owners) await owner.change(["a", "b"].map((id) => `${id}${owner.lease.partition}`));
      for (const order of ORDERS) {
        const before = await listedChanges(store, { range: {}, order }, 100);
        let left = 3;
        const more = async () => {
          left -= 1;
          if (left >= 0) await (owners[0] as Owner).change(["a0"]);
        };
        const paged = await allPages((page) => store.listChanges({ range: {}, order }, page), 1, more);
        const listed = paged.map(({ changeId }) => changeId.replace(/^chg_(\d+)_/, "$1."));
        expect(new Set(listed).size).toBe(listed.length);
        expect(listed.filter((each) => before.includes(each))).toEqual(before);
      }
    },
  }),
];
