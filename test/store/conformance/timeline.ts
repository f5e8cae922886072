import { expect } from "bun:test";
import { changeData } from "../../../src/domain/change";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { draftOf, FAR } from "./samples";

export const timelinePromises: readonly Promises[] = [
  promises("a sensor's changes from a revision on", {
    "are those of the sensor, as they were recorded, in their order, as many as are asked for": async (store) => {
      const owner = await Owner.of(store);
      const changes = await owner.change(["a", "b", "a", "A", "a", "a"]);
      const own = changes.filter(({ sensorId }) => sensorId === "a").map(changeData);
      expect(await store.changesFrom("a", 1, 10)).toEqual(own);
      expect(await store.changesFrom("a", 2, 2)).toEqual(own.slice(1, 3));
      expect(await store.changesFrom("a", 5, 10)).toEqual([]);
      expect(await store.changesFrom("nobody", 1, 10)).toEqual([]);
    },

    "begin with the oldest that is kept": async (store) => {
      const owner = await Owner.of(store);
      await owner.change(["a", "a", "a"]);
      await owner.publishAll();
      const planner = await store.acquireLease({ role: "notify", partition: 0, owner: "planner", ttlMs: 60_000, takeOver: true });
      const { version } = await store.webhookSet();
      const plan = { lease: planner?.lease as never, leaseTtlMs: 60_000, webhooksVersion: version, from: 0, to: 3, deliveries: [] };
      await store.commitPlan(plan);
      await store.prune({ reports: 0, changes: FAR, deliveries: 0, deadLetters: 0 }, 2);
      expect((await store.changesFrom("a", 1, 10)).map(({ revision }) => revision)).toEqual([3]);
    },
  }),

  promises("a sensor that was deleted", {
    "is loaded with the time at which it was": async (store) => {
      await store.createSensor(draftOf("a"));
      expect(await store.loadSensors(["a"])).toMatchObject([{ deletedAt: null }]);
      await store.deleteSensor("a", null);
      const [tombstone] = await store.loadSensors(["a"]);
      expect(Math.abs((tombstone?.deletedAt ?? 0) - Date.now())).toBeLessThan(60_000);
      await store.createSensor(draftOf("a"));
      expect(await store.loadSensors(["a"])).toMatchObject([{ deletedAt: null }]);
    },
  }),
];
