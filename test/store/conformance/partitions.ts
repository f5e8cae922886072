import { expect } from "bun:test";
import type { Lease, LeasedRole, Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { draftOf } from "./samples";

interface Wish {
  readonly role: LeasedRole;
  readonly partition: number;
  readonly ttlMs: number;
  readonly takeOver: boolean;
}

function acquire(store: Store, owner: string, edit: Partial<Wish> = {}) {
  return store.acquireLease({ role: "ingest", partition: 0, owner, ttlMs: 60_000, takeOver: false, ...edit });
}

async function leaseOf(store: Store, owner: string, edit: Partial<Wish> = {}): Promise<Lease> {
  const acquired = await acquire(store, owner, edit);
  if (acquired === null) throw new Error(`${owner} was not given the lease`);
  return acquired.lease;
}

const NEW_POSITION = { generation: 1, cursor: 0, cursorTimeNs: null, receivedAt: 0, darkEndedAt: 0, changeNumber: 0, published: 0 };

export const partitionPromises: readonly Promises[] = [
  promises("the number of partitions", {
    "is what the first who asks wants, and holds for whoever comes later": async (store, opened) => {
      expect(await store.fixPartitionCount(4, 16)).toBe(4);
      expect(await store.fixPartitionCount(null, 16)).toBe(4);
      expect(await store.fixPartitionCount(4, 1)).toBe(4);
      expect(await (await opened.reopen()).fixPartitionCount(null, 1)).toBe(4);
    },

    "is the fallback where nobody wants any": async (store) => {
      expect(await store.fixPartitionCount(null, 16)).toBe(16);
    },

    "refuses another number, and names the one that holds": async (store) => {
      await store.fixPartitionCount(4, 16);
      await expect(store.fixPartitionCount(8, 16)).rejects.toMatchObject({ kind: "conflict", message: expect.stringContaining("4") });
      expect(await store.fixPartitionCount(null, 16)).toBe(4);
    },
  }),

  promises("a lease", {
    "starts a partition that nobody worked on at its beginning": async (store) => {
      const lease = { role: "ingest", partition: 3, owner: "one", epoch: 1 } as const;
      expect(await acquire(store, "one", { partition: 3 })).toEqual({ lease, position: NEW_POSITION, registryVersion: 0 });
    },

    "is given to nobody else while it lasts, and to its owner again with a higher epoch": async (store) => {
      const first = await leaseOf(store, "one");
      expect(await acquire(store, "two")).toBeNull();
      const again = await leaseOf(store, "one");
      expect(again.epoch).toBeGreaterThan(first.epoch);
      expect(await store.renewLease(first, 60_000)).toBe(false);
      expect(await store.renewLease(again, 60_000)).toBe(true);
    },

    "is each role's and each partition's own": async (store) => {
      await leaseOf(store, "one");
      expect(await leaseOf(store, "two", { role: "notify" })).toMatchObject({ role: "notify", owner: "two" });
      expect(await leaseOf(store, "three", { partition: 1 })).toMatchObject({ partition: 1, owner: "three" });
    },

    "goes to the next when its time is over, when it is given back, and when its owner is known to be dead": async (store) => {
      await leaseOf(store, "expired", { ttlMs: -1 });
      const second = await leaseOf(store, "second");
      await store.releaseLease(second);
      const third = await leaseOf(store, "third");
      const fourth = await leaseOf(store, "fourth", { takeOver: true });
      expect([second.epoch, third.epoch, fourth.epoch]).toEqual([2, 3, 4]);
    },

    "that was lost renews nothing, gives nothing back and commits nothing": async (store) => {
      const zombie = await Owner.of(store);
      const heir = await leaseOf(store, "heir", { takeOver: true });
      expect(await store.renewLease(zombie.lease, 60_000)).toBe(false);
      await store.releaseLease(zombie.lease);
      expect(await acquire(store, "third")).toBeNull();
      expect(await store.markPublished(zombie.lease, 1)).toBe(false);
      expect(await store.commitBatch([zombie.part()])).toEqual([{ kind: "fenced" }]);
      expect(await store.renewLease(heir, 60_000)).toBe(true);
    },

    "whose time is over, but that nobody took, is still its owner's": async (store) => {
      const lease = await leaseOf(store, "slow", { ttlMs: -1 });
      expect(await store.renewLease(lease, 60_000)).toBe(true);
      expect(await acquire(store, "other")).toBeNull();
    },

    "is given to one of those who ask for it at the same time": async (store) => {
      const asking = Array.from({ length: 8 }, (_, index) => acquire(store, `owner-${index}`));
      const given = (await Promise.all(asking)).filter((acquired) => acquired !== null);
      expect(given).toHaveLength(1);
      expect(given[0]?.lease.epoch).toBe(1);
    },

    "is extended by a commit under it": async (store) => {
      const owner = await Owner.of(store);
      await store.renewLease(owner.lease, -1);
      await owner.commit();
      expect(await acquire(store, "other")).toBeNull();
    },

    "finds where the owner before stood, and on which version of the registry it decided last": async (store, opened) => {
      const before = await Owner.of(store, 2);
      await before.change(["a", "a"]);
      await before.publishAll();
      await store.createSensor(draftOf("b", { partition: 2 }));
      const reopened = await opened.reopen();
      const after = await acquire(reopened, "owner", { partition: 2 });
      expect(after?.position).toEqual(before.position);
      expect(after?.registryVersion).toBe(before.registryVersion);
      expect(after?.lease.epoch).toBe(before.lease.epoch + 1);
    },

    "is told of edits that came while nobody worked on the partition: its first commit is refused": async (store) => {
      const before = await Owner.of(store, 2);
      await before.commit();
      await store.releaseLease(before.lease);
      await store.createSensor(draftOf("b", { partition: 2 }));
      const acquired = await acquire(store, "heir", { partition: 2 });
      if (acquired === null) throw new Error("the lease is free");
      const { lease, registryVersion } = acquired;
      const refusal = { kind: "registryMoved", registryVersion: registryVersion + 1 } as const;
      expect(await store.commitBatch([{ ...before.part(), lease, registryVersion }])).toEqual([refusal]);
      expect(await store.commitBatch([{ ...before.part(), lease, registryVersion: registryVersion + 1 }])).toMatchObject([
        { kind: "committed" },
      ]);
    },
  }),

  promises("the list of partitions", {
    "tells of each partition's worker where it stands and who owns it": async (store) => {
      const owner = await Owner.of(store, 1);
      await owner.change(["a"]);
      const planner = await leaseOf(store, "planner", { role: "notify" });
      await store.releaseLease(planner);
      const listed = await store.listPartitions();
      expect(listed).toHaveLength(2);
      expect(listed[0]).toMatchObject({ ...owner.position, role: "ingest", partition: 1, owner: "owner", epoch: 1 });
      expect(listed[0]?.leaseUntil).toBeGreaterThan(Date.now());
      expect(listed[1]).toMatchObject({ ...NEW_POSITION, role: "notify", partition: 0, owner: null, epoch: 1 });
    },
  }),

  promises("a node", {
    "lives for as long as it said, and is seen by the others with what it works at": async (store, opened) => {
      const one = { id: "one", roles: ["ingest", "notify"] } as const;
      const two = { id: "two", roles: ["notify"] } as const;
      expect(await store.beat(two, 60_000)).toEqual([two]);
      expect(await store.beat(one, 60_000)).toEqual([one, two]);
      const idle = { id: "two", roles: [] } as const;
      expect(await store.beat(idle, 60_000)).toEqual([one, idle]);
      expect(await (await opened.reopen()).beat(one, 60_000)).toEqual([one, idle]);
    },

    "is seen no more once its time is over, until it says that it lives again": async (store) => {
      const one = { id: "one", roles: ["ingest"] } as const;
      const two = { id: "two", roles: ["ingest"] } as const;
      await store.beat(one, -1);
      expect(await store.beat(two, 60_000)).toEqual([two]);
      expect(await store.beat(one, 60_000)).toEqual([one, two]);
    },

    "that leaves is gone at once, and whoever is named beside it; nobody minds one that was never there": async (store) => {
      const two = { id: "two", roles: ["ingest"] } as const;
      for (const id of ["one", "two", "three"]) await store.beat({ ...two, id }, 60_000);
      await store.leave(["one", "nobody", "three"]);
      expect(await store.beat(two, 60_000)).toEqual([two]);
      await store.leave([]);
      expect(await store.beat(two, 60_000)).toEqual([two]);
    },

    "and many others that say so at the same time see each other": async (store) => {
      const ids = Array.from({ length: 20 }, (_, index) => `node-${String(index).padStart(2, "0")}`);
      await Promise.all(ids.map((id) => store.beat({ id, roles: ["ingest"] }, -1)));
      await Promise.all(ids.map((id) => store.beat({ id, roles: ["ingest"] }, 60_000)));
      expect((await store.beat({ id: "node-00", roles: ["ingest"] }, 60_000)).map(({ id }) => id)).toEqual(ids);
    },
  }),

  promises("a probe", {
    "leaves nothing behind, however often it is made": async (store) => {
      for (let times = 0; times < 3; times += 1) expect(await store.probe()).toBeUndefined();
      expect(await store.listPartitions()).toEqual([]);
    },
  }),
];
