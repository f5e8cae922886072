import { acquiredFrom, countConflict, type PartitionRow, statusOf } from "../partitionRows";
import type { Lease, LeasedRole, PartitionStore } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";

/** Looks at a partition's row from within a transaction that is about to write under a lease. */
export type Fence = (lease: Lease) => PartitionRow | null;

/** The row while the lease is still ours, else null. Its time does not matter: until somebody takes it, it is ours. */
export function prepareFence({ client }: Connection): Fence {
  const read = client.prepare<[string, number], PartitionRow>("select * from partitions where role = ? and partition = ?");
  return ({ role, partition, owner, epoch }) => {
    const row = read.get(role, partition);
    return row !== undefined && row.epoch === epoch && row.owner === owner ? row : null;
  };
}

export function openPartitions(connection: Connection): Direct<PartitionStore> {
  const { client, write } = connection;
  const readCount = client.prepare<[], number>("select value from meta where name = 'partition_count'").pluck();
  const fixCount = client.prepare<[number]>("insert into meta (name, value) values ('partition_count', ?)");
  const read = client.prepare<[string, number], PartitionRow>("select * from partitions where role = ? and partition = ?");
  const list = client.prepare<[], PartitionRow>("select * from partitions order by role, partition");
  const acquire = client.prepare<[string, number, string, number], PartitionRow>(
    `insert into partitions (role, partition, epoch, owner, lease_until) values (?, ?, 1, ?, ?)
     on conflict (role, partition) do update set epoch = epoch + 1, owner = excluded.owner, lease_until = excluded.lease_until
     returning *`,
  );
  const renew = client.prepare<[number, string, number, number, string]>(
    "update partitions set lease_until = ? where role = ? and partition = ? and epoch = ? and owner = ?",
  );
  const release = client.prepare<[string, number, number, string]>(
    "update partitions set owner = null, lease_until = 0 where role = ? and partition = ? and epoch = ? and owner = ?",
  );

  const nodes = prepareNodes(connection);

  return {
    ...nodes,

    fixPartitionCount(wanted, fallback) {
      return write(() => {
        const fixed = readCount.get();
        if (fixed === undefined) {
          const count = wanted ?? fallback;
          fixCount.run(count);
          return count;
        }
        if (wanted === null || wanted === fixed) return fixed;
        throw countConflict(fixed, wanted);
      });
    },

    acquireLease({ role, partition, owner, ttlMs, takeOver }) {
      return write(() => {
        const now = Date.now();
        const held = read.get(role, partition);
        const others = held !== undefined && held.owner !== null && held.owner !== owner && held.lease_until > now;
        if (others && !takeOver) return null;
        return acquiredFrom(acquire.get(role, partition, owner, now + ttlMs) as PartitionRow, owner);
      });
    },

    renewLease: ({ role, partition, epoch, owner }, ttlMs) => renew.run(Date.now() + ttlMs, role, partition, epoch, owner).changes > 0,

    releaseLease({ role, partition, epoch, owner }) {
      release.run(role, partition, epoch, owner);
    },

    listPartitions: () => list.all().map(statusOf),
  };
}

function prepareNodes({ client, write }: Connection): Pick<Direct<PartitionStore>, "beat" | "leave"> {
  const forget = client.prepare<[number]>("delete from nodes where alive_until < ?");
  const say = client.prepare<[string, string, number]>(
    `insert into nodes (id, roles, alive_until) values (?, ?, ?)
     on conflict (id) do update set roles = excluded.roles, alive_until = excluded.alive_until`,
  );
  const alive = client.prepare<[], { id: string; roles: string }>("select id, roles from nodes order by id");
  const drop = client.prepare<[string]>("delete from nodes where id = ?");
  return {
    beat({ id, roles }, ttlMs) {
      return write(() => {
        const now = Date.now();
        forget.run(now);
        say.run(id, JSON.stringify(roles), now + ttlMs);
        return alive.all().map((row) => ({ id: row.id, roles: JSON.parse(row.roles) as LeasedRole[] }));
      });
    },
    leave(nodeIds) {
      write(() => {
        for (const id of nodeIds) drop.run(id);
      });
    },
  };
}
