import { expect } from "bun:test";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { draftOf, onlineState, sensorOf } from "./samples";

export const sensorReadPromises: readonly Promises[] = [
  promises("sensors, as whoever remembers them reads them,", {
    "come with what was written last, the place in the log of their partition, and the database's time": async (store) => {
      await store.createSensor(draftOf("a", { labels: { site: "north" } }));
      await store.createSensor(draftOf("b"));
      await store.createSensor(draftOf("other", { partition: 1 }));
      const owner = await Owner.of(store);
      const state = onlineState({ revision: 3 });
      const recordedAt = await owner.commit({ states: [{ sensorId: "a", state }], to: { cursor: 41 } });
      const { readAt, sensors } = await store.sensorsAt(["other", "nobody", "a", "b"]);
      expect(readAt).toBeGreaterThanOrEqual(recordedAt);
      const byId = new Map(sensors.map((each) => [each.sensor.id, each]));
      expect([...byId.keys()].toSorted()).toEqual(["a", "b", "other"]);
      expect(byId.get("a")).toMatchObject({
        deleted: false,
        state,
        sensor: { labels: { site: "north" } },
        place: { generation: 1, cursor: 41 },
      });
      expect(byId.get("b")).toMatchObject({ state: null, place: { generation: 1, cursor: 41 } });
      expect(byId.get("other")).toMatchObject({ state: null, place: { generation: 1, cursor: 0 } });
      await owner.commit({ to: { generation: 2, cursor: 7 } });
      expect((await store.sensorsAt(["a"])).sensors).toMatchObject([{ state, place: { generation: 2, cursor: 7 } }]);
    },

    "are told of when they are deleted, and when they live again": async (store) => {
      await store.createSensor(draftOf("a"));
      await store.deleteSensor("a", null);
      expect((await store.sensorsAt(["a"])).sensors).toMatchObject([{ deleted: true, sensor: { life: 1 } }]);
      const owner = await Owner.of(store);
      await owner.commit({ registrations: [sensorOf("a", { life: 2 })], states: [{ sensorId: "a", state: onlineState({ life: 2 }) }] });
      expect((await store.sensorsAt(["a"])).sensors).toMatchObject([{ deleted: false, sensor: { life: 2 }, state: { life: 2 } }]);
    },

    "tell the time when there are none, too": async (store) => {
      for (const ids of [[], ["nobody"]]) {
        const { readAt, sensors } = await store.sensorsAt(ids);
        expect(sensors).toEqual([]);
        expect(Math.abs(readAt - Date.now())).toBeLessThan(60_000);
      }
    },
  }),
];
