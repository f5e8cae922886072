import { expect } from "bun:test";
import fc from "fast-check";
import type { SensorDraft, Store, Upserted } from "../../../src/store/store";
import { onNewStore, type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { draftOf, FIRST_PAGE } from "./samples";

const kindsOf = (outcomes: readonly Upserted[]) => outcomes.map(({ kind }) => kind);
const versionsOf = (outcomes: readonly Upserted[]) =>
  outcomes.map((outcome) => (outcome.kind === "outOfReach" ? null : outcome.sensor.version));

/** What an operator set of each, and its labels as a list finds them. */
async function registryOf(store: Store) {
  const { items } = await store.listSensors({}, FIRST_PAGE);
  const found: unknown[] = [];
  for (const { sensor } of items) {
    const { id, name, labels, metadata, heartbeat, version, life } = sensor;
    for (const [key, value] of Object.entries(labels)) {
      const { items: labelled } = await store.listSensors({ labels: { [key]: value } }, FIRST_PAGE);
      expect(labelled.map((each) => each.sensor.id)).toContain(id);
    }
    found.push({ id, name, labels, metadata, heartbeat, version, life });
  }
  return found;
}

const drafts = fc.array(
  fc.record({
    id: fc.constantFrom("a", "b", "c"),
    name: fc.constantFrom("one", "two"),
    labels: fc.constantFrom<SensorDraft["labels"]>({}, { site: "north" }, { site: "south", floor: "1" }),
    metadata: fc.constantFrom<SensorDraft["metadata"]>({}, { deep: [1, { x: null }] }),
    heartbeat: fc.constantFrom(null, { intervalSeconds: 30, graceSeconds: 0 }),
    partition: fc.constant(0),
  }),
  { maxLength: 8 },
);

/** The same by the calls for one sensor. */
async function oneByOne(store: Store, draft: SensorDraft): Promise<string> {
  const before = await store.getSensor(draft.id);
  if (before === null) {
    await store.createSensor(draft);
    return "created";
  }
  const { name, labels, metadata, heartbeat } = before.sensor;
  const { id, partition } = draft;
  if (Bun.deepEquals(draft, { id, partition, name, labels, metadata, heartbeat })) return "unchanged";
  await store.updateSensor(draft, null);
  return "replaced";
}

export const upsertPromises: readonly Promises[] = [
  promises("sensors that are put at once", {
    "are registered, replaced or left alone, each as it needs": async (store) => {
      await store.createSensor(draftOf("same", { labels: { site: "north" }, metadata: { z: 1, a: [2] } }));
      await store.createSensor(draftOf("other", { labels: { site: "north", floor: "1" } }));
      const same = draftOf("same", { labels: { site: "north" }, metadata: { a: [2], z: 1 } });
      const outcomes = await store.upsertSensors([draftOf("new"), same, draftOf("other", { labels: { site: "south", floor: "1" } })], null);
      expect(kindsOf(outcomes)).toEqual(["created", "unchanged", "replaced"]);
      expect(versionsOf(outcomes)).toEqual([1, 1, 2]);
      expect(await registryOf(store)).toMatchObject([
        { id: "new" },
        { id: "other", labels: { site: "south", floor: "1" } },
        { id: "same" },
      ]);
      const inNorth = await store.listSensors({ labels: { site: "north" } }, FIRST_PAGE);
      expect(inNorth.items.map(({ sensor }) => sensor.id)).toEqual(["same"]);
      expect((await store.listSensors({ q: "NEW" }, FIRST_PAGE)).items).toHaveLength(1);
      expect(await store.upsertSensors([], null)).toEqual([]);
    },

    "behave as if one came after the other, also when an id comes again": async (store) => {
      const outcomes = await store.upsertSensors(
        [draftOf("a", { labels: { x: "1" } }), draftOf("a", { labels: { x: "1" } }), draftOf("a", { labels: { y: "2" } }), draftOf("a")],
        null,
      );
      expect(kindsOf(outcomes)).toEqual(["created", "unchanged", "replaced", "replaced"]);
      expect(versionsOf(outcomes)).toEqual([1, 1, 2, 3]);
      expect(await registryOf(store)).toMatchObject([{ id: "a", labels: {}, version: 3 }]);
      const back = await store.upsertSensors([draftOf("a", { name: "b" }), draftOf("a")], null);
      expect(versionsOf(back)).toEqual([4, 5]);
    },

    "become what they would one by one": async (_, __, harness) => {
      await fc.assert(
        fc.asyncProperty(fc.array(drafts, { maxLength: 3 }), (sets) =>
          onNewStore(harness, (atOnce) =>
            onNewStore(harness, async (single) => {
              for (const set of sets) {
                const kinds: string[] = [];
                for (const draft of set) kinds.push(await oneByOne(single, draft));
                expect(kindsOf(await atOnce.upsertSensors(set, null))).toEqual(kinds as never);
              }
              expect(await registryOf(atOnce)).toEqual(await registryOf(single));
            }),
          ),
        ),
        { numRuns: 12 },
      );
    },

    "live again where they were deleted, and go on from what they were": async (store) => {
      await store.createSensor(draftOf("a", { labels: { site: "north" } }));
      const owner = await Owner.of(store);
      await owner.heard({ a: { status: "hot", severity: "critical", revision: 5 } });
      await store.deleteSensor("a", null);
      const [outcome, edited] = await store.upsertSensors(
        [draftOf("a", { labels: { site: "north" } }), draftOf("a", { name: "again", labels: { site: "north" } })],
        null,
      );
      expect(outcome).toMatchObject({ kind: "created", sensor: { life: 2, version: 2 } });
      expect(edited).toMatchObject({ kind: "replaced", sensor: { life: 2, version: 3 } });
      expect(await store.getSensor("a")).toMatchObject({
        sensor: { life: 2, version: 3, name: "again" },
        state: { status: null, revision: 5 },
      });
      expect((await store.listSensors({ labels: { site: "north" } }, FIRST_PAGE)).items).toHaveLength(1);
    },

    "are told to the owner of each partition that they change, once, and to no other": async (store) => {
      await store.createSensor(draftOf("b", { partition: 1 }));
      const before = await Promise.all([0, 1, 2].map(async (partition) => (await store.sensorsEditedAfter(partition, 0)).registryVersion));
      const outcomes = await store.upsertSensors(
        [draftOf("a2", { partition: 2 }), draftOf("b", { partition: 1 }), draftOf("a", { partition: 0 }), draftOf("a3", { partition: 2 })],
        null,
      );
      expect(kindsOf(outcomes)).toEqual(["created", "unchanged", "created", "created"]);
      for (const [partition, ids] of [["a"], [], ["a2", "a3"]].entries()) {
        const version = before[partition] as number;
        const { registryVersion, sensors } = await store.sensorsEditedAfter(partition, version);
        expect(registryVersion).toBe(version + (ids.length > 0 ? 1 : 0));
        expect(sensors.map(({ sensor }) => sensor.id).toSorted()).toEqual(ids);
      }
    },

    "come before a batch that was decided without them, which is refused": async (store) => {
      const owner = await Owner.of(store);
      const part = owner.part();
      await store.upsertSensors([draftOf("a")], null);
      expect(await store.commitBatch([part])).toMatchObject([{ kind: "registryMoved" }]);
    },

    "are not touched outside of a reach, whether they are named or carry its labels afterwards": async (store) => {
      await store.createSensor(draftOf("south", { labels: { site: "south" } }));
      await store.createSensor(draftOf("north", { labels: { site: "north" } }));
      const reach = { labels: { site: "north" } };
      const outcomes = await store.upsertSensors(
        ["south", "north", "new"].map((id) => draftOf(id, { name: "mine", labels: { site: "north" } })),
        reach,
      );
      expect(kindsOf(outcomes)).toEqual(["outOfReach", "replaced", "created"]);
      expect(await store.getSensor("south")).toMatchObject({ sensor: { name: "south", labels: { site: "south" }, version: 1 } });
      expect(kindsOf(await store.upsertSensors([draftOf("south"), draftOf("north")], { sensorId: "north" }))).toEqual([
        "outOfReach",
        "replaced",
      ]);
    },

    "and edited by many at once come one after the other": async (store) => {
      const ids = ["a", "b", "c", "d"];
      const set = (name: string, order: readonly string[]) =>
        store.upsertSensors(
          order.map((id, index) => draftOf(id, { name, partition: index % 2 })),
          null,
        );
      for (const [partition, id] of ids.entries()) await store.createSensor(draftOf(id, { partition: partition % 2 }));
      const outcomes = await Promise.all(Array.from({ length: 12 }, (_, turn) => set(`name ${turn}`, ids)));
      expect(outcomes.flatMap(kindsOf).filter((kind) => kind !== "replaced")).toEqual([]);
      expect(await registryOf(store)).toMatchObject(ids.map((id) => ({ id, version: 13 })));
      const names = (await store.listSensors({}, FIRST_PAGE)).items.map(({ sensor }) => sensor.name);
      expect(new Set(names).size).toBe(1);
    },
  }),
];
