import { acquiredFrom, countConflict, type PartitionRow, statusOf } from "../partitionRows";
import type { LiveNode, PartitionStore } from "../store";
import { NOW_MS } from "./clock";
import type { Connection } from "./connection";
import { statement } from "./statement";

const fixCount = statement("partitions.fixCount", "insert into meta (name, value) values ('partition_count', $1) on conflict do nothing");
const readCount = statement<{ value: number }>("partitions.readCount", "select value from meta where name = 'partition_count'");
const list = statement<PartitionRow>("partitions.list", "select * from partitions order by role, partition");
const ingestRows = statement<PartitionRow>(
  "partitions.ingest",
  "select * from partitions where role = 'ingest' and partition = any($1::int[])",
);
// Whose lease it is is looked at once the row is locked, so that of two who come at once one is given it.
const acquire = statement<PartitionRow>(
  "partitions.acquire",
  `insert into partitions as p (role, partition, epoch, owner, lease_until) values ($1, $2, 1, $3, ${NOW_MS} + $4::bigint)
   on conflict (role, partition) do update set epoch = p.epoch + 1, owner = excluded.owner, lease_until = ${NOW_MS} + $4::bigint
   where $5::boolean or p.owner is null or p.owner = excluded.owner or p.lease_until <= ${NOW_MS}
   returning *`,
);
const renew = statement<{ ours: true }>(
  "partitions.renew",
  `update partitions set lease_until = ${NOW_MS} + $5::bigint where role = $1 and partition = $2 and epoch = $3 and owner = $4
   returning true as ours`,
);
const release = statement(
  "partitions.release",
  "update partitions set owner = null, lease_until = 0 where role = $1 and partition = $2 and epoch = $3 and owner = $4",
);

/** Where the ingest of these partitions stands. */
export function ingestRowsOf({ control }: Connection, partitions: readonly number[]): Promise<PartitionRow[]> {
  return ingestRows(control, partitions);
}

export function openPartitions(connection: Connection): PartitionStore {
  const { leases, control, work } = connection;
  return {
    ...openNodes(connection),

    async fixPartitionCount(wanted, fallback) {
      await fixCount(leases, wanted ?? fallback);
      const fixed = (await readCount(leases))[0]?.value as number;
      if (wanted === null || wanted === fixed) return fixed;
      throw countConflict(fixed, wanted);
    },

    async acquireLease({ role, partition, owner, ttlMs, takeOver }) {
      const [row] = await acquire(leases, role, partition, owner, ttlMs, takeOver);
      return row === undefined ? null : acquiredFrom(row, owner);
    },

    async renewLease({ role, partition, epoch, owner }, ttlMs) {
      return (await renew(leases, role, partition, epoch, owner, ttlMs)).length > 0;
    },

    async releaseLease({ role, partition, epoch, owner }) {
      // With the patience of a commit: where it is given up, the others wait for the end of the lease.
      await release(control, role, partition, epoch, owner);
    },

    async listPartitions() {
      return (await list(work)).map(statusOf);
    },
  };
}

const say = statement(
  "nodes.say",
  `insert into nodes (id, roles, alive_until) values ($1, $2, ${NOW_MS} + $3::bigint)
   on conflict (id) do update set roles = excluded.roles, alive_until = excluded.alive_until`,
);
// A row that somebody else has in hand is theirs to forget: nobody waits for anybody here.
const forgetAndList = statement<LiveNode>(
  "nodes.alive",
  `with forgotten as (
     delete from nodes where id in (select id from nodes where alive_until < ${NOW_MS} order by id for update skip locked))
   select id, roles from nodes where alive_until >= ${NOW_MS} order by id`,
);
const drop = statement("nodes.drop", "delete from nodes where id = any($1::text[])");

function openNodes({ leases }: Connection): Pick<PartitionStore, "beat" | "leave"> {
  return {
    async beat({ id, roles }, ttlMs) {
      await say(leases, id, JSON.stringify(roles), ttlMs);
      return forgetAndList(leases);
    },
    async leave(nodeIds) {
      await drop(leases, nodeIds);
    },
  };
}
