import { expect } from "bun:test";
import { changeData } from "../../../src/domain/change";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { changeOf } from "./samples";

export const changePromises: readonly Promises[] = [
  promises("the changes of a partition", {
    "are read in order beyond a number, as many as are asked for": async (store) => {
      const owner = await Owner.of(store);
      await owner.change(["a", "b", "a", "c", "a"]);
      await (await Owner.of(store, 1)).change(["z"]);
      const read = async (after: number, limit: number) => (await store.changesAfter(0, after, limit)).map(({ number }) => number);
      expect(await read(0, 10)).toEqual([1, 2, 3, 4, 5]);
      expect(await read(2, 2)).toEqual([3, 4]);
      expect(await read(5, 10)).toEqual([]);
      expect((await store.changesAfter(1, 0, 10)).map(({ sensorId }) => sensorId)).toEqual(["z"]);
      expect(await store.changesAfter(7, 0, 10)).toEqual([]);
    },

    "keep the text of their data, to the byte": async (store) => {
      const owner = await Owner.of(store);
      const attributes = { b: 1, a: [null, true], text: "ü\u2028 \ud83d" };
      const change = changeOf(1, "a", { kind: "availability", report: { value: 1e21, message: null, attributes }, occurredAt: 0 });
      const recordedAt = await owner.commit({ changes: [change] });
      const data = JSON.stringify(changeData(change));
      const logged = { partition: 0, number: 1, sensorId: "a", kind: "availability", occurredAt: 0, recordedAt, data } as const;
      expect(await store.changesAfter(0, 0, 10)).toEqual([logged]);
      expect(await store.loggedChange(0, 1)).toEqual(logged);
      expect(await store.loggedChange(0, 2)).toBeNull();
      expect(await store.loggedChange(1, 1)).toBeNull();
    },

    "have each revision of a sensor once": async (store) => {
      const owner = await Owner.of(store);
      await owner.commit({ changes: [changeOf(1, "a", { revision: 1 })] });
      await expect(owner.commit({ changes: [changeOf(2, "a", { revision: 1 })] })).rejects.toThrow();
      expect(await store.changesAfter(0, 0, 10)).toHaveLength(1);
    },
  }),

  promises("how far changes are published", {
    "moves on, never back, and by the owner alone": async (store) => {
      const owner = await Owner.of(store);
      await owner.change(["a", "a", "a"]);
      const published = async () => (await store.listPartitions())[0]?.published;
      expect(await store.markPublished(owner.lease, 2)).toBe(true);
      expect(await published()).toBe(2);
      expect(await store.markPublished(owner.lease, 1)).toBe(true);
      expect(await published()).toBe(2);
      await Owner.of(store);
      expect(await store.markPublished(owner.lease, 3)).toBe(false);
      expect(await published()).toBe(2);
    },
  }),
];
