import { expect } from "bun:test";
import type { PartOutcome, Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { changeOf, draftOf, FIRST_PAGE, letterOf, LOG_BEGINS, onlineState, reportOf, sensorOf } from "./samples";

/** One row of every kind, so that what a refused batch wrote would be seen. */
function fullRows(number = 1) {
  return {
    registrations: [sensorOf("a")],
    reports: [reportOf(number, "a", { disposition: "applied", changeNumber: number })],
    states: [{ sensorId: "a", state: onlineState() }],
    changes: [changeOf(number, "a")],
    deadLetters: [letterOf(number + 1)],
    incidents: [{ kind: "stream.recreated", partition: 0, detail: { cursor: 0 } }],
  };
}

async function everythingIn(store: Store) {
  return {
    sensors: (await store.listSensors({}, FIRST_PAGE)).items,
    reports: (await store.listReports("a", { range: {}, order: "asc" }, FIRST_PAGE)).items,
    states: (await store.loadSensors(["a", "b"])).map(({ state }) => state),
    changes: await store.changesAfter(0, 0, 1000),
    deadLetters: (await store.listDeadLetters(FIRST_PAGE)).items,
    incidents: (await store.listIncidents(FIRST_PAGE)).items,
    partitions: (await store.listPartitions()).map(({ leaseUntil: _, ...rest }) => rest),
  };
}

/** What becomes of a part when the store holds what it holds. Nothing may be written. */
async function outcomeOf(store: Store, part: Parameters<Store["commitBatch"]>[0][number]): Promise<PartOutcome> {
  const before = await everythingIn(store);
  const [outcome] = (await store.commitBatch([part])) as [PartOutcome];
  if (outcome.kind !== "committed") expect(await everythingIn(store)).toEqual(before);
  return outcome;
}

export const ingestPromises: readonly Promises[] = [
  promises("a batch", {
    "is in with everything that it brings, and is there when the store is opened again": async (store, opened) => {
      const owner = await Owner.of(store);
      const recordedAt = await owner.commit(fullRows());
      const found = await everythingIn(await opened.reopen());
      expect(found.sensors.map(({ sensor }) => sensor)).toEqual([sensorOf("a")]);
      expect(found.states).toEqual([onlineState()]);
      expect(found.reports).toMatchObject([{ sequence: 1, disposition: "applied", changeId: "chg_0_1", recordedAt }]);
      expect(found.changes).toMatchObject([{ number: 1, sensorId: "a", recordedAt }]);
      expect(found.deadLetters).toMatchObject([letterOf(2)]);
      expect(found.incidents).toMatchObject([{ kind: "stream.recreated", partition: 0, detail: { cursor: 0 }, recordedAt }]);
      expect(found.partitions).toMatchObject([{ ...owner.position, cursor: 2, changeNumber: 1 }]);
    },

    "of another epoch is fenced, and writes nothing": async (store) => {
      const zombie = await Owner.of(store);
      await Owner.of(store);
      expect(await outcomeOf(store, zombie.part(fullRows()))).toEqual({ kind: "fenced" });
    },

    "whose answer was lost is known by its position, and is in once": async (store) => {
      const owner = await Owner.of(store);
      const part = owner.part(fullRows());
      expect(await outcomeOf(store, part)).toMatchObject({ kind: "committed" });
      expect(await outcomeOf(store, part)).toEqual({ kind: "alreadyCommitted" });
    },

    "that starts anywhere but where the partition stands is told so, and writes nothing": async (store) => {
      const owner = await Owner.of(store);
      const stale = owner.part({ ...fullRows(), to: { cursor: 9 } });
      await owner.commit();
      expect(await outcomeOf(store, stale)).toEqual({ kind: "moved" });
      const elsewhere = { cursor: 3, generation: 2, cursorTimeNs: "1", changeNumber: 4 };
      for (const [field, value] of Object.entries(elsewhere)) {
        const part = owner.part({ reports: [reportOf(9, "a")] });
        expect(await outcomeOf(store, { ...part, from: { ...part.from, [field]: value } })).toEqual({ kind: "moved" });
      }
    },

    "that was decided before an edit of a sensor of its partition is told the registry's version, and writes nothing": async (store) => {
      const owner = await Owner.of(store);
      await store.createSensor(draftOf("elsewhere", { partition: 1 }));
      await owner.commit();
      for (const edit of [
        () => store.createSensor(draftOf("b")),
        () => store.updateSensor(draftOf("b", { name: "B" }), null),
        () => store.deleteSensor("b", null),
      ]) {
        await edit();
        const registryVersion = owner.registryVersion + 1;
        expect(await outcomeOf(store, owner.part({ reports: [reportOf(9, "b")] }))).toEqual({ kind: "registryMoved", registryVersion });
        await owner.refresh();
        await owner.commit();
      }
    },

    "that does not number its changes one after the other is refused, and writes nothing": async (store) => {
      const owner = await Owner.of(store);
      const before = await everythingIn(store);
      for (const part of [
        owner.part({ changes: [changeOf(2, "a")] }),
        owner.part({ changes: [changeOf(1, "a"), changeOf(3, "a")] }),
        owner.part({ changes: [changeOf(1, "a")], to: { changeNumber: 2 } }),
        owner.part({ to: { changeNumber: 1 } }),
      ]) {
        await expect(store.commitBatch([part])).rejects.toThrow("numbered");
        expect(await everythingIn(store)).toEqual(before);
      }
    },

    "moves `published` along, never back": async (store) => {
      const owner = await Owner.of(store);
      await owner.change(["a", "b"]);
      await store.markPublished(owner.lease, 2);
      await owner.commit({ to: { published: 1 } });
      expect(await store.listPartitions()).toMatchObject([{ published: 2 }]);
    },
  }),

  promises("a commit of several batches", {
    "answers in their order, and a refused one leaves the others alone": async (store) => {
      const zombie = await Owner.of(store, 0);
      await Owner.of(store, 0);
      const good = await Owner.of(store, 1);
      const late = await Owner.of(store, 2);
      const lost = late.part({ reports: [reportOf(1, "x")] });
      await store.commitBatch([lost]);
      const part = good.part({ reports: [reportOf(5, "b")], states: [{ sensorId: "b", state: onlineState() }] });
      const outcomes = await store.commitBatch([zombie.part(fullRows()), part, lost]);
      expect(outcomes.map(({ kind }) => kind)).toEqual(["fenced", "committed", "alreadyCommitted"]);
      expect((await store.listReports("b", { range: {}, order: "asc" }, FIRST_PAGE)).items).toMatchObject([{ sequence: 5 }]);
      expect((await store.listReports("x", { range: {}, order: "asc" }, FIRST_PAGE)).items).toHaveLength(1);
      expect((await store.listReports("a", { range: {}, order: "asc" }, FIRST_PAGE)).items).toEqual([]);
    },

    "that fails leaves nothing of any of them": async (store) => {
      const [one, two] = [await Owner.of(store, 0), await Owner.of(store, 1)];
      const before = await everythingIn(store);
      const twice = two.part({ reports: [reportOf(1, "b"), reportOf(1, "b")] });
      await expect(store.commitBatch([one.part(fullRows()), twice])).rejects.toThrow();
      expect(await everythingIn(store)).toEqual(before);
      await one.commit(fullRows());
    },

    "of none does nothing": async (store) => {
      expect(await store.commitBatch([])).toEqual([]);
    },
  }),

  promises("the log", {
    "holds a sequence again once the stream was recreated, and once in each generation": async (store) => {
      const owner = await Owner.of(store);
      await owner.commit({ reports: [reportOf(1, "a")] });
      await owner.commit({ reports: [reportOf(1, "a")], to: { generation: 2, cursor: 1 } });
      await expect(owner.commit({ reports: [reportOf(1, "a")], to: { cursor: 2 } })).rejects.toThrow();
      expect((await store.listReports("a", { range: {}, order: "asc" }, FIRST_PAGE)).items).toHaveLength(2);
    },

    "keeps what a sensor said as it was said": async (store) => {
      const owner = await Owner.of(store);
      const said = [
        { status: "ok", severity: "warning", value: 97.5, message: "heiß \u{1F525} 'quoted' \"\\", at: LOG_BEGINS - 5, id: "m-1" },
        { value: 0, at: 0, attributes: { deep: [1, { two: null }], text: "\ud83d", "a\u0000b": "\u0000" } },
        { value: -1.5e300, message: "", at: Date.parse("9999-12-31T23:59:59.999Z"), attributes: {} },
        { value: 2 ** 40, at: Date.parse("0000-01-01T00:00:00.000Z"), id: "0" },
      ] as const;
      const rows = said.map((report, index) => reportOf(index + 1, "a", { report, disposition: "late" }));
      await owner.commit({ reports: rows });
      const { items } = await store.listReports("a", { range: {}, order: "asc" }, FIRST_PAGE);
      expect(items.map(({ stream: _, recordedAt: __, changeId: ___, ...row }) => row)).toEqual(
        rows.map(({ changeNumber: _, ...row }) => row),
      );
    },

    "never goes back in the time of its commits": async (store) => {
      const owner = await Owner.of(store);
      const times: number[] = [];
      for (let batch = 0; batch < 20; batch += 1) times.push(await owner.commit());
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(Math.abs((times.at(-1) ?? 0) - Date.now())).toBeLessThan(60_000);
    },
  }),
];
