import { expect } from "bun:test";
import { SETTINGS_DEFAULT } from "../../../src/domain/webhook";
import type { SensorDraft, Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { addWebhook, draftOf, FIRST_PAGE, onlineState } from "./samples";

const DRAFT = draftOf("a", {
  name: "Boiler",
  labels: { site: "north", floor: "1" },
  metadata: { maker: { name: "ü", since: 1999 }, spares: [1, { a: 1, b: 2 }], zero: 0 },
  heartbeat: { intervalSeconds: 30, graceSeconds: 10 },
});
/** The same in another order of its members, and as what JSON makes the same of. */
const SAME: SensorDraft = {
  ...DRAFT,
  labels: { floor: "1", site: "north" },
  metadata: { zero: -0, spares: [1, { b: 2, a: 1 }], maker: { since: 1999, name: "ü", gone: undefined } },
  heartbeat: { graceSeconds: 10, intervalSeconds: 30 },
};
const OTHERS: readonly Partial<SensorDraft>[] = [
  { name: "boiler" },
  { labels: { site: "north" } },
  { labels: { site: "north", floor: "2" } },
  { metadata: { ...DRAFT.metadata, spares: [{ a: 1, b: 2 }, 1] } },
  { metadata: { ...DRAFT.metadata, zero: null } },
  { heartbeat: { intervalSeconds: 30, graceSeconds: 11 } },
  { heartbeat: null },
];

const versionOf = async (store: Store) => (await store.sensorsEditedAfter(0, 0)).registryVersion;

export const sameEditPromises: readonly Promises[] = [
  promises("an edit that leaves a sensor as it was", {
    "is none: what is there is given, no version is counted, and no batch has to be decided again": async (store) => {
      const owner = await Owner.of(store);
      await store.createSensor(DRAFT);
      await owner.heard({ a: onlineState() });
      const before = await store.getSensor("a");
      const registryVersion = await versionOf(store);
      for (const expected of [null, 1]) expect(await store.updateSensor(SAME, expected)).toEqual(before as never);
      for (const expected of [null, "present", 1] as const) {
        const put = await store.putSensor(SAME, { expected, reach: null });
        expect(put).toEqual({ record: before as never, created: false, unchanged: true });
      }
      expect(await store.getSensor("a")).toEqual(before);
      expect(await versionOf(store)).toBe(registryVersion);
      expect((await store.listSensors({ labels: { site: "north" } }, FIRST_PAGE)).items).toEqual([before as never]);
    },

    "is refused where its condition does not hold, all the same": async (store) => {
      await store.createSensor(DRAFT);
      await expect(store.updateSensor(SAME, 2)).rejects.toMatchObject({ kind: "preconditionFailed" });
      for (const expected of ["absent", 2] as const)
        await expect(store.putSensor(SAME, { expected, reach: null })).rejects.toMatchObject({ kind: "preconditionFailed" });
      const reach = { labels: { site: "south" } };
      await expect(store.putSensor(SAME, { expected: null, reach })).rejects.toMatchObject({ kind: "notFound" });
      await store.deleteSensor("a", null);
      await expect(store.updateSensor(SAME, null)).rejects.toMatchObject({ kind: "notFound" });
      expect(await store.putSensor(SAME, { expected: null, reach: null })).toMatchObject({ created: true, unchanged: false });
    },

    "is one as soon as anything of it is another": async (store) => {
      const { sensor } = await store.createSensor(DRAFT);
      let { version } = sensor;
      for (const other of OTHERS) {
        const registryVersion = await versionOf(store);
        version += 1;
        const put = await store.putSensor({ ...DRAFT, ...other }, { expected: null, reach: null });
        expect(put).toMatchObject({ created: false, unchanged: false, record: { sensor: { version } } });
        version += 1;
        expect((await store.updateSensor(DRAFT, null)).sensor).toMatchObject({ version, labels: DRAFT.labels });
        expect(await versionOf(store)).toBe(registryVersion + 2);
      }
    },
  }),

  promises("an edit that leaves something else as it was", {
    "is none of a webhook: no version, and nothing that planning must know": async (store) => {
      const filter = { labels: { site: "north", floor: ["1", "2"] }, to: ["open"] };
      const created = await addWebhook(store, "w", { filter, description: "told" });
      const { version } = await store.webhookSet();
      const { url, concurrency, credentials } = created;
      const reordered = { to: ["open"], labels: { floor: ["1", "2"], site: "north" } };
      const all = {
        url,
        concurrency,
        credentials,
        filter: reordered,
        description: "told",
        settings: SETTINGS_DEFAULT,
        state: "active",
      } as const;
      for (const edit of [{}, { description: "told" }, { state: "active" }, all] as const) {
        expect(await store.updateWebhook("w", edit, 1)).toEqual(created);
      }
      expect(await store.getWebhook("w")).toEqual(created);
      expect((await store.webhookSet()).version).toBe(version);
      await expect(store.updateWebhook("w", {}, 2)).rejects.toMatchObject({ kind: "preconditionFailed" });
      expect(await store.updateWebhook("w", { filter: { ...filter, to: ["open", "shut"] } }, 1)).toMatchObject({ version: 2 });
      await store.updateWebhook("w", { state: "disabled", stateReason: "410 Gone" }, null);
      expect(await store.updateWebhook("w", { state: "disabled" }, null)).toMatchObject({ version: 3, stateReason: "410 Gone" });
    },

    "is none of the catalogue: no version, and no partition has to decide again": async (store) => {
      await store.fixPartitionCount(2, 2);
      const owners = [await Owner.of(store, 0), await Owner.of(store, 1)];
      const draft = { status: "hot", severity: "critical", description: "" } as const;
      const { record } = await store.putStatus(draft, null);
      for (const owner of owners) await owner.refresh();
      for (const expected of [null, record.version]) {
        expect(await store.putStatus(draft, expected)).toEqual({ record, created: false, unchanged: true });
      }
      await expect(store.putStatus(draft, record.version + 1)).rejects.toMatchObject({ kind: "preconditionFailed" });
      expect(await store.getStatus("hot")).toEqual(record);
      expect((await store.loadSeverities()).version).toBe(record.version);
      for (const owner of owners) expect(await store.commitBatch([owner.part()])).toMatchObject([{ kind: "committed" }]);
      for (const other of [{ severity: "warning" }, { description: "x" }] as const) {
        expect(await store.putStatus({ ...draft, ...other }, null)).toMatchObject({ unchanged: false });
      }
    },

    "is none of a token": async (store) => {
      const made = { id: "t", name: "gateway", hash: "hash of t", scopes: ["admin"], expiresAt: 4_000_000_000_000 };
      const record = await store.createToken(made);
      const { name, expiresAt } = made;
      for (const edit of [{}, { name }, { expiresAt }, { name, expiresAt }]) {
        expect(await store.updateToken("t", edit)).toEqual({ record, unchanged: true });
      }
      const edited = { record: { ...record, expiresAt: null }, unchanged: false };
      expect(await store.updateToken("t", { name, expiresAt: null })).toEqual(edited);
    },
  }),
];
