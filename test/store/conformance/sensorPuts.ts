import { expect } from "bun:test";
import type { Reach } from "../../../src/domain/reach";
import type { PutCondition, Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { draftOf, FIRST_PAGE, sensorOf } from "./samples";

const AT_ONCE = 12;

function put(store: Store, id: string, name: string, expected: PutCondition = null) {
  return store.putSensor(draftOf(id, { name, labels: { by: name } }), { expected, reach: null });
}

/** How each of several calls ended: what it gave, or the kind of its refusal. */
async function ends<Given>(calls: readonly Promise<Given>[]): Promise<(Given | string)[]> {
  const settled = await Promise.allSettled(calls);
  return settled.map((end) => {
    if (end.status === "fulfilled") return end.value;
    const { kind } = end.reason as { kind?: string };
    if (kind === undefined) throw end.reason;
    return kind;
  });
}

export const sensorPutPromises: readonly Promises[] = [
  promises("a sensor that is put", {
    "is registered where there is none, and replaced where there is one": async (store) => {
      const made = await put(store, "a", "first");
      expect(made).toMatchObject({ created: true, record: { sensor: { name: "first", version: 1, life: 1 } } });
      const edited = await put(store, "a", "second");
      expect(edited).toMatchObject({ created: false, record: { sensor: { name: "second", version: 2, life: 1 } } });
      expect(edited.record.sensor.createdAt).toBe(made.record.sensor.createdAt);
      expect(await store.getSensor("a")).toEqual(edited.record);
      const found = async (by: string) => (await store.listSensors({ labels: { by } }, FIRST_PAGE)).items.length;
      expect([await found("first"), await found("second")]).toEqual([0, 1]);
    },

    "is put only where what is there is what was named": async (store) => {
      for (const expected of ["present", 1] as const) {
        await expect(put(store, "a", "too early", expected)).rejects.toMatchObject({ kind: "preconditionFailed" });
      }
      expect(await put(store, "a", "one", "absent")).toMatchObject({ created: true });
      for (const expected of ["absent", 2] as const) {
        await expect(put(store, "a", "wrong", expected)).rejects.toMatchObject({ kind: "preconditionFailed" });
      }
      expect(await put(store, "a", "two", "present")).toMatchObject({ created: false, record: { sensor: { version: 2 } } });
      expect(await put(store, "a", "three", 2)).toMatchObject({ created: false, record: { sensor: { version: 3 } } });
    },

    "again after it was deleted is another one, at a version that none before it had": async (store) => {
      await put(store, "a", "one");
      await put(store, "a", "two");
      await store.deleteSensor("a", null);
      await expect(put(store, "a", "of the dead", 2)).rejects.toMatchObject({ kind: "preconditionFailed" });
      expect(await put(store, "a", "again", "absent")).toMatchObject({ created: true, record: { sensor: { version: 3, life: 2 } } });
      await store.deleteSensor("a", 3);
      const owner = await Owner.of(store);
      await owner.commit({ registrations: [sensorOf("a", { life: 3 })] });
      expect(await store.getSensor("a")).toMatchObject({ sensor: { version: 4, life: 3 } });
      await expect(store.updateSensor(draftOf("a"), 1)).rejects.toMatchObject({ kind: "preconditionFailed" });
    },

    "by many at once is registered by one of them, and no edit is lost": async (store) => {
      const given = await ends(Array.from({ length: AT_ONCE }, (_, index) => put(store, "a", `n${index}`)));
      const puts = given.filter((end) => typeof end !== "string");
      expect(puts).toHaveLength(AT_ONCE);
      expect(puts.filter(({ created }) => created)).toHaveLength(1);
      const versions = puts.map(({ record }) => record.sensor.version).toSorted((one, other) => one - other);
      expect(versions).toEqual(Array.from({ length: AT_ONCE }, (_, index) => index + 1));
      const last = puts.find(({ record }) => record.sensor.version === AT_ONCE);
      expect(await store.getSensor("a")).toEqual(last?.record as never);
      const { items } = await store.listSensors({ labels: { by: last?.record.sensor.name ?? "" } }, FIRST_PAGE);
      expect(items).toHaveLength(1);
    },

    "by many at once on one condition is put by one of them": async (store) => {
      const created = await ends(Array.from({ length: AT_ONCE }, (_, index) => put(store, "a", `n${index}`, "absent")));
      expect(created.filter((end) => end === "preconditionFailed")).toHaveLength(AT_ONCE - 1);
      const replaced = await ends(Array.from({ length: AT_ONCE }, (_, index) => put(store, "a", `m${index}`, 1)));
      expect(replaced.filter((end) => end === "preconditionFailed")).toHaveLength(AT_ONCE - 1);
      expect(await store.getSensor("a")).toMatchObject({ sensor: { version: 2 } });
    },

    "while others create, edit and delete it ends in one order of all of that": async (store) => {
      const calls = Array.from({ length: AT_ONCE }, (_, index) => [
        put(store, "a", `n${index}`).then(({ record, created }) => (created ? "created" : "edited") + record.sensor.version),
        store.createSensor(draftOf("a")).then(({ sensor }) => `created${sensor.version}`),
        store.updateSensor(draftOf("a", { name: `e${index}` }), null).then(({ sensor }) => `edited${sensor.version}`),
        store.deleteSensor("a", null).then(() => "deleted"),
      ]).flat();
      const given = await ends(calls);
      const versions = given.flatMap((end) => /\d+$/.exec(end)?.map(Number) ?? []).toSorted((one, other) => one - other);
      expect(versions).toEqual(versions.map((_, index) => index + 1));
      const [created, deleted] = ["created", "deleted"].map((what) => given.filter((end) => end.startsWith(what)).length);
      expect((created as number) - (deleted as number)).toBe((await store.getSensor("a")) === null ? 0 : 1);
      expect(given.filter((end) => !/\d$|^deleted$|^notFound$|^conflict$/.test(end))).toEqual([]);
    },
  }),

  promises("a sensor outside of a reach", {
    "is neither replaced nor deleted: it is answered as if there were none": async (store) => {
      await store.createSensor(draftOf("a", { labels: { site: "north", floor: "1" } }));
      const elsewhere: Reach[] = [{ labels: { site: "south" } }, { labels: { site: "north", floor: "2" } }, { sensorId: "b" }];
      for (const reach of elsewhere) {
        const draft = draftOf("a", { labels: { site: "south" } });
        for (const expected of [null, "absent"] as const) {
          await expect(store.putSensor(draft, { expected, reach })).rejects.toMatchObject({ kind: "notFound" });
        }
        for (const expected of ["present", 1, 7] as const) {
          const refusals = await Promise.all(
            ["a", "none"].map((id) => store.putSensor({ ...draft, id }, { expected, reach }).catch((error: unknown) => error)),
          );
          expect(refusals.map(String)).toEqual(["a", "none"].map((id) => expect.stringContaining(`no sensor ${id} to replace`)));
          expect(refusals).toMatchObject([{ kind: "preconditionFailed" }, { kind: "preconditionFailed" }]);
        }
        for (const version of [null, 1, 7])
          await expect(store.deleteSensor("a", version, { reach })).rejects.toMatchObject({ kind: "notFound" });
      }
      expect(await store.getSensor("a")).toMatchObject({ sensor: { version: 1 } });
      const reach = { labels: { site: "north" } };
      expect(await store.putSensor(draftOf("a", { labels: { site: "north" } }), { expected: null, reach })).toMatchObject({
        created: false,
      });
      await store.deleteSensor("a", null, { reach: { sensorId: "a" } });
      expect(await store.putSensor(draftOf("a"), { expected: null, reach })).toMatchObject({ created: true });
    },

    "is not registered anew once it was deleted: its history is not the other's": async (store) => {
      const [north, south] = [{ labels: { site: "north" } }, { labels: { site: "south" } }];
      await store.createSensor(draftOf("a", south));
      await store.deleteSensor("a", null);
      const draft = draftOf("a", north);
      await expect(store.createSensor(draft, north)).rejects.toMatchObject({ kind: "conflict" });
      for (const expected of [null, "absent"] as const)
        await expect(store.putSensor(draft, { expected, reach: north })).rejects.toMatchObject({ kind: "notFound" });
      expect(await store.upsertSensors([draft, draftOf("b", north)], north)).toMatchObject([{ kind: "outOfReach" }, { kind: "created" }]);
      expect(await store.getSensor("a")).toBeNull();
      expect(await store.createSensor(draftOf("a", south), south)).toMatchObject({ sensor: { version: 2 } });
    },
  }),
];
