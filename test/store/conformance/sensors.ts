import { expect } from "bun:test";
import { pendingState } from "../../../src/domain/state";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { draftOf, FIRST_PAGE } from "./samples";

export const sensorPromises: readonly Promises[] = [
  promises("a sensor", {
    "is registered with what it was given, and waits to be heard": async (store, opened) => {
      const draft = draftOf("boiler-7", {
        name: "Kessel 7 \u{1F525}",
        labels: { site: "north", "a.b_c-d": "" },
        metadata: { serial: "x", nested: { list: [1, null, "ü"] } },
        heartbeat: { intervalSeconds: 30, graceSeconds: 0 },
      });
      const before = Date.now();
      const created = await store.createSensor(draft);
      const { partition: _, ...kept } = draft;
      expect(created).toMatchObject({ sensor: { ...kept, version: 1, life: 1 }, state: pendingState(1) });
      expect(created.sensor.createdAt).toBeGreaterThanOrEqual(before);
      expect(created.sensor.updatedAt).toBe(created.sensor.createdAt);
      expect(await (await opened.reopen()).getSensor("boiler-7")).toEqual(created);
    },

    "is there once, and its id tells capitals from small letters": async (store) => {
      await store.createSensor(draftOf("a", { name: "first" }));
      await expect(store.createSensor(draftOf("a", { name: "second" }))).rejects.toMatchObject({ kind: "conflict" });
      await store.createSensor(draftOf("A", { name: "other" }));
      expect(await store.getSensor("a")).toMatchObject({ sensor: { name: "first" } });
      expect(await store.getSensor("A")).toMatchObject({ sensor: { name: "other" } });
      expect(await store.getSensor("b")).toBeNull();
    },

    "is replaced as a whole by an edit, which counts its version up": async (store) => {
      const heartbeat = { intervalSeconds: 30, graceSeconds: 10 };
      const created = await store.createSensor(draftOf("a", { labels: { site: "north", floor: "1" }, metadata: { x: 1 }, heartbeat }));
      const edited = await store.updateSensor(draftOf("a", { name: "A", labels: { site: "south" } }), null);
      expect(edited.sensor).toEqual({
        ...created.sensor,
        name: "A",
        labels: { site: "south" },
        metadata: {},
        heartbeat: null,
        version: 2,
        updatedAt: edited.sensor.updatedAt,
      });
      expect(edited.sensor.updatedAt).toBeGreaterThanOrEqual(created.sensor.updatedAt);
      const found = async (labels: Record<string, string>) => (await store.listSensors({ labels }, FIRST_PAGE)).items.length;
      expect([await found({ site: "north" }), await found({ floor: "1" }), await found({ site: "south" })]).toEqual([0, 0, 1]);
    },

    "is edited and deleted only at the version that was named": async (store) => {
      await store.createSensor(draftOf("a"));
      expect(await store.updateSensor(draftOf("a", { name: "two" }), 1)).toMatchObject({ sensor: { version: 2 } });
      await expect(store.updateSensor(draftOf("a", { name: "three" }), 1)).rejects.toMatchObject({ kind: "preconditionFailed" });
      await expect(store.deleteSensor("a", 1)).rejects.toMatchObject({ kind: "preconditionFailed" });
      expect(await store.getSensor("a")).toMatchObject({ sensor: { name: "two", version: 2 } });
      await store.deleteSensor("a", 2);
      expect(await store.getSensor("a")).toBeNull();
    },

    "that is not there can be neither edited nor deleted, whatever version is named": async (store) => {
      await store.createSensor(draftOf("gone"));
      await store.deleteSensor("gone", null);
      for (const id of ["gone", "never"]) {
        for (const version of [null, 1]) {
          await expect(store.updateSensor(draftOf(id), version)).rejects.toMatchObject({ kind: "notFound" });
          await expect(store.deleteSensor(id, version)).rejects.toMatchObject({ kind: "notFound" });
        }
      }
    },

    "that is registered again begins anew, but goes on counting its changes": async (store) => {
      await store.createSensor(draftOf("a", { name: "old", labels: { site: "north" } }));
      const owner = await Owner.of(store);
      await owner.heard({ a: { status: "hot", severity: "critical", revision: 5, atMax: 77 } });
      await store.deleteSensor("a", null);
      const again = await store.createSensor(draftOf("a", { name: "new" }));
      expect(again).toMatchObject({
        sensor: { name: "new", labels: {}, version: 2, life: 2 },
        state: pendingState(2, { revision: 5, atMax: 77 }),
      });
      expect(await store.getSensor("a")).toEqual(again);
      await store.deleteSensor("a", 2);
      expect((await store.createSensor(draftOf("a"))).sensor.life).toBe(3);
    },

    "keeps its history when it is deleted, and shows what its owner writes": async (store) => {
      await store.createSensor(draftOf("a"));
      const owner = await Owner.of(store);
      await owner.heard({ a: { status: "ok", revision: 1 } });
      await owner.change(["a"]);
      expect(await store.getSensor("a")).toMatchObject({ state: { status: "ok", availability: "online", revision: 1 } });
      expect(await store.updateSensor(draftOf("a", { name: "A" }), null)).toMatchObject({
        state: { status: "ok", availability: "online" },
      });
      await store.deleteSensor("a", null);
      const { items } = await store.listChanges({ sensorId: "a", range: {}, order: "asc" }, FIRST_PAGE);
      expect(items).toHaveLength(1);
      expect((await store.listSensors({}, FIRST_PAGE)).items).toEqual([]);
    },
  }),
];
