import { expect } from "bun:test";
import { pendingState } from "../../../src/domain/state";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { draftOf, FIRST_PAGE, LOG_BEGINS, onlineState, reportOf, sensorOf } from "./samples";

const HEARTBEAT = { intervalSeconds: 30, graceSeconds: 10 };

/** What the owner of a partition asks of its sensors before it decides. */
export const knownSensorPromises: readonly Promises[] = [
  promises("sensors as their owner loads them", {
    "come with what was last written of them, and those that nobody registered do not come": async (store) => {
      await store.createSensor(draftOf("a", { heartbeat: HEARTBEAT, labels: { site: "north" }, metadata: { deep: { list: [1, null] } } }));
      await store.createSensor(draftOf("b"));
      const owner = await Owner.of(store);
      const state = onlineState({ status: "door.open", severity: "unknown", atMax: LOG_BEGINS + 2 ** 40, checkAt: LOG_BEGINS + 40_000 });
      await owner.commit({ states: [{ sensorId: "a", state }] });
      const loaded = await store.loadSensors(["b", "nobody", "a", "A"]);
      expect(loaded.map(({ sensor }) => sensor.id).toSorted()).toEqual(["a", "b"]);
      const [a, b] = loaded.toSorted((one, other) => (one.sensor.id < other.sensor.id ? -1 : 1));
      expect(a).toMatchObject({ deleted: false, state, sensor: { heartbeat: HEARTBEAT, metadata: { deep: { list: [1, null] } } } });
      expect(b).toMatchObject({ deleted: false, state: null, sensor: { heartbeat: null } });
      expect(await store.loadSensors([])).toEqual([]);
    },

    "have the state that was written last, of which every part may move": async (store) => {
      await store.createSensor(draftOf("a"));
      const owner = await Owner.of(store);
      const written = [
        onlineState(),
        onlineState({ lastReportedAt: LOG_BEGINS + 1, lastReceivedAt: LOG_BEGINS + 2, atMax: LOG_BEGINS + 3 }),
        onlineState({ checkAt: LOG_BEGINS + 9 }),
        onlineState({ status: "hot", severity: "warning", since: LOG_BEGINS + 4, revision: 2 }),
        onlineState({ availability: "offline", revision: 3 }),
        { ...pendingState(2), revision: 3 },
      ];
      for (const state of written) {
        await owner.commit({ states: [{ sensorId: "a", state }] });
        expect(await store.loadSensors(["a"])).toMatchObject([{ state }]);
      }
    },

    "are told to be deleted, with the life and the state that they left": async (store) => {
      await store.createSensor(draftOf("a"));
      const owner = await Owner.of(store);
      await owner.commit({ states: [{ sensorId: "a", state: onlineState({ revision: 7 }) }] });
      await store.deleteSensor("a", null);
      expect(await store.loadSensors(["a"])).toMatchObject([{ deleted: true, sensor: { life: 1 }, state: { revision: 7, life: 1 } }]);
      await owner.refresh();
      await owner.commit({ registrations: [sensorOf("a", { life: 2 })] });
      expect(await store.loadSensors(["a"])).toMatchObject([{ deleted: false, sensor: { life: 2 }, state: { revision: 7, life: 1 } }]);
      expect(await store.getSensor("a")).toMatchObject({ state: pendingState(2, { revision: 7, atMax: null }) });
    },

    "that were edited since a version are those of the partition, tombstones too, and not those that registered themselves": async (
      store,
    ) => {
      await store.createSensor(draftOf("a"));
      await store.createSensor(draftOf("b"));
      await store.createSensor(draftOf("other", { partition: 1 }));
      const owner = await Owner.of(store);
      await owner.commit({ registrations: [sensorOf("self")] });
      expect(await store.sensorsEditedAfter(0, 2)).toEqual({ registryVersion: 2, statusesVersion: 1, sensors: [] });
      await store.updateSensor(draftOf("a", { name: "A" }), null);
      await store.deleteSensor("b", null);
      const { registryVersion, sensors } = await store.sensorsEditedAfter(0, 2);
      expect(registryVersion).toBe(4);
      expect(sensors.map(({ sensor, deleted }) => [sensor.id, sensor.name, deleted])).toEqual([
        ["a", "A", false],
        ["b", "b", true],
      ]);
      expect((await store.sensorsEditedAfter(0, 3)).sensors).toHaveLength(1);
      expect(await store.sensorsEditedAfter(5, 0)).toEqual({ registryVersion: 0, statusesVersion: 1, sensors: [] });
    },

    "are counted without the deleted ones": async (store) => {
      expect(await store.countSensors()).toBe(0);
      for (const id of ["a", "b", "c"]) await store.createSensor(draftOf(id));
      await store.deleteSensor("b", null);
      expect(await store.countSensors()).toBe(2);
      await store.createSensor(draftOf("b"));
      expect(await store.countSensors()).toBe(3);
    },
  }),

  promises("a report's id", {
    "is known of its sensor alone, from a time on, and not by its duplicates": async (store) => {
      const owner = await Owner.of(store);
      await owner.commit({
        reports: [
          reportOf(1, "a", { report: { id: "m-1" }, disposition: "applied" }),
          reportOf(2, "a", { report: { id: "m-2" }, disposition: "duplicate" }),
          reportOf(3, "b", { report: { id: "m-3" }, disposition: "late" }),
          reportOf(4, "a"),
        ],
      });
      const keys = ["m-1", "m-2", "m-3", "M-1", "m-1"].map((reportId) => ({ sensorId: "a", reportId }));
      expect(await store.knownReports(keys, LOG_BEGINS)).toEqual([LOG_BEGINS + 1, null, null, null, LOG_BEGINS + 1]);
      expect(await store.knownReports([{ sensorId: "b", reportId: "m-3" }], LOG_BEGINS + 3)).toEqual([LOG_BEGINS + 3]);
      expect(await store.knownReports([{ sensorId: "b", reportId: "m-3" }], LOG_BEGINS + 4)).toEqual([null]);
      expect(await store.knownReports([], LOG_BEGINS)).toEqual([]);
    },
  }),

  promises("heartbeats", {
    "are due by their check, the longest due first, as many as are asked for": async (store) => {
      const checks = { late: LOG_BEGINS + 30, first: LOG_BEGINS + 10, second: LOG_BEGINS + 20, ahead: LOG_BEGINS + 31, never: null };
      for (const id of Object.keys(checks)) await store.createSensor(draftOf(id, { heartbeat: HEARTBEAT }));
      await store.createSensor(draftOf("elsewhere", { partition: 1 }));
      const owner = await Owner.of(store);
      await owner.commit({
        states: Object.entries(checks).map(([sensorId, checkAt]) => ({ sensorId, state: onlineState({ checkAt }) })),
      });
      const other = await Owner.of(store, 1);
      await other.commit({ states: [{ sensorId: "elsewhere", state: onlineState({ checkAt: LOG_BEGINS }) }] });
      const due = async (limit: number) => (await store.sensorsDue(0, LOG_BEGINS + 30, limit)).map(({ sensor }) => sensor.id);
      expect(await due(10)).toEqual(["first", "second", "late"]);
      expect(await due(2)).toEqual(["first", "second"]);
      await owner.commit({ states: [{ sensorId: "first", state: onlineState({ checkAt: null }) }] });
      expect(await due(10)).toEqual(["second", "late"]);
      expect(await store.sensorsDue(0, LOG_BEGINS + 9, 10)).toEqual([]);
    },

    "are found in a partition while a living sensor of it has one": async (store) => {
      await store.createSensor(draftOf("silent"));
      expect(await store.hasHeartbeats(0)).toBe(false);
      await store.createSensor(draftOf("a", { heartbeat: HEARTBEAT }));
      expect(await store.hasHeartbeats(0)).toBe(true);
      expect(await store.hasHeartbeats(1)).toBe(false);
      await store.updateSensor(draftOf("a"), null);
      expect(await store.hasHeartbeats(0)).toBe(false);
      await store.updateSensor(draftOf("a", { heartbeat: HEARTBEAT }), null);
      await store.deleteSensor("a", null);
      expect(await store.hasHeartbeats(0)).toBe(false);
    },
  }),

  promises("a sensor that registers itself", {
    "is found like any other": async (store) => {
      const owner = await Owner.of(store);
      await owner.commit({
        registrations: [sensorOf("a", { labels: { site: "north" } })],
        states: [{ sensorId: "a", state: onlineState() }],
      });
      const { items } = await store.listSensors({ labels: { site: "north" }, status: "ok" }, FIRST_PAGE);
      expect(items).toEqual([{ sensor: sensorOf("a", { labels: { site: "north" } }), state: onlineState() }]);
      await expect(store.createSensor(draftOf("a"))).rejects.toMatchObject({ kind: "conflict" });
    },
  }),
];
