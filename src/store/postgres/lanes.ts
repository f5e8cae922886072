/**
 * What keeps lanes in order. Every transaction that moves the deliveries of a partition's lanes, on whatever node, first takes that
 * partition's row of `partitions`, so that one of them works after the other; no other rows of lanes does it wait for.
 *
 * Nobody is in a deadlock, because everybody locks in one order: the partition's row, the lock of the webhooks (webhookVersions.ts), rows
 * of webhooks by their ids.
 */
import type { ClientBase } from "pg";
import type { Lease } from "../store";
import type { Connection } from "./connection";
import { statement } from "./statement";

/** Heads are woken so many at a time, so that nobody else waits while a long backlog is. */
const WOKEN_AT_ONCE_MAX = 2000;

/** The columns of a `DueDelivery`, under its names, of `deliveries` as `d`. A repeat asked for by hand counts its days anew. */
export const DUE_DELIVERY = `d.id, d.webhook_id as "webhookId", d.sensor_id as "sensorId", d.partition, d.number,
  d.owed_since as "plannedAt", d.next_attempt_at as "nextAttemptAt", d.lane_failures as "laneFailures", d.rejections`;

/**
 * What is due to the webhook `w` may be given out: nothing of one that is paused or disabled; what one is owed that is gone is for the
 * caller to end.
 */
export const IS_OPEN = "(w.id is null or w.state = 'active')";

const lock = statement("lanes.lock", "select from partitions where role = 'notify' and partition = $1 for update");
const hold = statement(
  "lanes.hold",
  "select from partitions where role = 'notify' and partition = $1 and epoch = $2 and owner = $3 for update",
);

const wake = statement<{ woken: number }>(
  "lanes.wake",
  `with woken as (
     update deliveries set next_attempt_at = $3 where ordinal in (
       select ordinal from deliveries where partition = $1 and webhook_id = $2 and next_attempt_at > $3 limit ${WOKEN_AT_ONCE_MAX})
     returning 1)
   select count(*)::int as woken from woken`,
);

const notifyPartitions = statement<{ partition: number }>(
  "lanes.partitions",
  "select partition from partitions where role = 'notify' order by partition",
);

/** Keeps everybody else from the partition's lanes until the end of the transaction. */
export async function lockLanes(client: ClientBase, partition: number): Promise<void> {
  await lock(client, partition);
}

/** The same, while the lease is held; false when it is not. */
export async function holdLanes(client: ClientBase, { partition, epoch, owner }: Lease): Promise<boolean> {
  return (await hold(client, partition, epoch, owner)).length > 0;
}

/** Makes a webhook's waiting heads due in every partition. */
export async function makeHeadsDue(connection: Connection, webhookId: string, now: number): Promise<void> {
  for (const { partition } of await notifyPartitions(connection.work)) {
    await inSlices(connection, async (client) => {
      await lockLanes(client, partition);
      return wakeSlice(client, { partition, webhookId, now });
    });
  }
}

/** Makes a webhook's waiting heads due in the partition of a lease, while it is held; gives how many. */
export function makeHeadsDueUnder(
  lease: Lease,
  connection: Connection,
  { webhookId, now }: { webhookId: string; now: number },
): Promise<number> {
  const { partition } = lease;
  return inSlices(connection, async (client) => ((await holdLanes(client, lease)) ? wakeSlice(client, { partition, webhookId, now }) : 0));
}

async function wakeSlice(
  client: ClientBase,
  { partition, webhookId, now }: { partition: number; webhookId: string; now: number },
): Promise<number> {
  const [row] = await wake(client, partition, webhookId, now);
  return row?.woken ?? 0;
}

async function inSlices({ write }: Connection, wakeNext: (client: ClientBase) => Promise<number>): Promise<number> {
  for (let woken = 0; ;) {
    const slice = await write(({ client }) => wakeNext(client));
    woken += slice;
    if (slice < WOKEN_AT_ONCE_MAX) return woken;
  }
}
