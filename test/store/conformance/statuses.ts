import { expect } from "bun:test";
import { isFault } from "../../../src/domain/fault";
import { STATUSES_MAX } from "../../../src/domain/statusCatalogue";
import type { PartOutcome, Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";

const DRAFT = { status: "door.open", severity: "warning", description: "It stands open: ü" } as const;

async function refusalOf(edit: Promise<unknown>): Promise<string | null> {
  try {
    await edit;
    return null;
  } catch (error) {
    return isFault(error) ? error.kind : String(error);
  }
}

async function outcomeOf(store: Store, owner: Owner): Promise<string> {
  const [outcome] = (await store.commitBatch([owner.part()])) as [PartOutcome];
  return outcome.kind;
}

export const statusPromises: readonly Promises[] = [
  promises("a status that operators set", {
    "is kept as it was set, and each edit has a version that no other ever has": async (store) => {
      const { record, created } = await store.putStatus(DRAFT, null);
      expect(created).toBe(true);
      expect(record).toEqual({ ...DRAFT, version: 2, createdAt: expect.any(Number), updatedAt: record.createdAt });
      expect(Math.abs(record.createdAt - Date.now())).toBeLessThan(60_000);
      expect(await store.getStatus("door.open")).toEqual(record);
      const again = await store.putStatus({ ...DRAFT, severity: "critical", description: "" }, 2);
      expect(again).toMatchObject({
        created: false,
        record: { severity: "critical", description: "", version: 3, createdAt: record.createdAt },
      });
      await store.deleteStatus("door.open", 3);
      expect(await store.getStatus("door.open")).toBeNull();
      expect(await store.putStatus(DRAFT, null)).toMatchObject({ created: true, record: { version: 5 } });
    },

    "may be a built-in one, which is there already, and is so again once that is taken back": async (store) => {
      expect(await store.getStatus("hot")).toBeNull();
      const hot = { status: "hot", severity: "critical", description: "" } as const;
      expect(await store.putStatus(hot, 1)).toMatchObject({ created: false, record: { version: 2 } });
      await store.deleteStatus("hot", null);
      expect(await store.getStatus("hot")).toBeNull();
      expect(await refusalOf(store.deleteStatus("hot", null))).toBe("conflict");
      expect(await refusalOf(store.deleteStatus("hot", 2))).toBe("preconditionFailed");
    },

    "is not edited on another version, and what is refused leaves no trace": async (store) => {
      await store.putStatus(DRAFT, null);
      const owner = await Owner.of(store);
      const before = [await store.listStatuses(), await store.loadSeverities()];
      const refusals = [
        store.putStatus({ ...DRAFT, severity: "ok" }, 1),
        store.putStatus({ ...DRAFT, status: "never.set" }, 1),
        store.putStatus({ ...DRAFT, status: "hot" }, 2),
        store.deleteStatus("door.open", 3),
        store.deleteStatus("never.set", null),
      ];
      expect(await Promise.all(refusals.map(refusalOf))).toEqual([
        "preconditionFailed",
        "preconditionFailed",
        "preconditionFailed",
        "preconditionFailed",
        "notFound",
      ]);
      expect([await store.listStatuses(), await store.loadSeverities()]).toEqual(before as never);
      expect(await outcomeOf(store, owner)).toBe("committed");
    },

    "is listed by its bytes": async (store) => {
      for (const status of ["b", "a_", "a.", "a-", "a", "10", "9"]) await store.putStatus({ ...DRAFT, status }, null);
      expect((await store.listStatuses()).map(({ status }) => status)).toEqual(["10", "9", "a", "a-", "a.", "a_", "b"]);
    },

    "has room beside so many others, and no more": async (store) => {
      for (let count = 1; count <= STATUSES_MAX; count += 1) await store.putStatus({ ...DRAFT, status: `s${count}` }, null);
      expect(await refusalOf(store.putStatus(DRAFT, null))).toBe("conflict");
      expect(await refusalOf(store.putStatus({ ...DRAFT, status: "s1" }, null))).toBeNull();
      expect(await store.listStatuses()).toHaveLength(STATUSES_MAX);
      expect((await store.loadSeverities()).severities).toHaveLength(STATUSES_MAX);
    },
  }),

  promises("an edit of the catalogue", {
    "refuses what any partition decided without it, and is told with the registry's version": async (store) => {
      await store.fixPartitionCount(3, 3);
      const owners = [await Owner.of(store, 0), await Owner.of(store, 2)];
      expect(await store.loadSeverities()).toEqual({ version: 1, severities: [] });
      await store.putStatus(DRAFT, null);
      for (const owner of owners) {
        expect(await outcomeOf(store, owner)).toBe("registryMoved");
        const edits = await store.sensorsEditedAfter(owner.lease.partition, owner.registryVersion);
        expect(edits).toEqual({ registryVersion: owner.registryVersion + 1, statusesVersion: 2, sensors: [] });
        await owner.refresh();
        expect(await outcomeOf(store, owner)).toBe("committed");
      }
      expect(await store.loadSeverities()).toEqual({ version: 2, severities: [["door.open", "warning"]] });
      // It refuses the first commit of a later owner, too, who knows what the one before had decided on.
      await store.deleteStatus("door.open", null);
      const acquired = await store.acquireLease({ role: "ingest", partition: 0, owner: "next", ttlMs: 60_000, takeOver: true });
      const { registryVersion } = await store.sensorsEditedAfter(0, 0);
      expect(registryVersion).toBeGreaterThan(acquired?.registryVersion ?? Infinity);
      expect(await store.loadSeverities()).toEqual({ version: 3, severities: [] });
    },

    "and those of others at the same time come one after the other, beside commits": async (store) => {
      await store.fixPartitionCount(4, 4);
      const owners = await Promise.all([0, 1, 2, 3].map((partition) => Owner.of(store, partition)));
      const edits = Array.from({ length: 12 }, (_, index) =>
        store.putStatus({ ...DRAFT, status: `s${index % 3}`, description: `${index}` }, null),
      );
      const commits = owners.map((owner) => outcomeOf(store, owner));
      const versions = (await Promise.all(edits)).map(({ record }) => record.version);
      for (const outcome of await Promise.all(commits)) expect(["committed", "registryMoved"]).toContain(outcome);
      expect(versions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => index + 2));
      expect((await store.loadSeverities()).version).toBe(13);
    },
  }),
];
