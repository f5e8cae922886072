/**
 * What keeps lanes in order. Every transaction that moves the deliveries of a partition's lanes, on whatever node, first takes that
 * partition's row of `partitions`, so that one of them works after the other; no other rows of lanes does it wait for.
 *
 * Nobody is in a deadlock, because everybody locks in one order: the partition's row, the lock of the webhooks (webhookVersions.ts), rows
 * of webhooks by their ids.
 */
import type { ClientBase } from "pg";
import type { DueDelivery, Lease } from "../store";
import { arrayText, quoted } from "./arrays";
import type { Connection } from "./connection";
import { statement } from "./statement";

/** Heads are woken so many at a time, so that nobody else waits while a long backlog is. */
const WOKEN_AT_ONCE_MAX = 2000;

/** The columns of a {@link DueDelivery}, under its names, of `deliveries` as `d`. A repeat asked for by hand counts its days anew. */
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

const lockSeveral = statement(
  "lanes.lockSeveral",
  "select from partitions where role = 'notify' and partition = any($1::int[]) order by partition for update",
);

const promote = statement<DueDelivery & { open: boolean }>(
  "lanes.promote",
  `update deliveries d set next_attempt_at = n.next_attempt_at, lane_failures = n.lane_failures
   from (
     select f.ordinal, l.next_attempt_at, l.lane_failures, ${IS_OPEN} as open
     from unnest($2::text[], $3::text[], $4::bigint[], $5::int[]) l (webhook_id, sensor_id, next_attempt_at, lane_failures)
     cross join lateral (
       select p.ordinal, p.next_attempt_at from deliveries p
       where p.webhook_id = l.webhook_id and p.partition = $1 and p.sensor_id = l.sensor_id and p.state = 'pending'
       order by p.number limit 1) f
     left join webhooks w on w.id = l.webhook_id
     where f.next_attempt_at is null) n
   where d.ordinal = n.ordinal
   returning ${DUE_DELIVERY}, n.open`,
);

/** Those of the lanes that nothing leads, whatever waits in them. */
const unled = statement<{ place: number }>(
  "lanes.unled",
  `select u.place::int from unnest($2::text[], $3::text[]) with ordinality u (webhook_id, sensor_id, place)
   left join lateral (
     select true as led from deliveries p
     where p.webhook_id = u.webhook_id and p.partition = $1 and p.sensor_id = u.sensor_id and p.state = 'pending'
       and p.next_attempt_at is not null
     order by p.number limit 1) l on true
   where l.led is null order by u.place`,
);

/** Not those that only rest after a success of their lane. */
const wake = statement<{ woken: number }>(
  "lanes.wake",
  `with woken as (
     update deliveries set next_attempt_at = $3 where ordinal in (
       select ordinal from deliveries where partition = $1 and webhook_id = $2 and next_attempt_at > $3 and lane_failures > 0
       limit ${WOKEN_AT_ONCE_MAX})
     returning 1)
   select count(*)::int as woken from woken`,
);

const notifyPartitions = statement<{ partition: number }>(
  "lanes.partitions",
  "select partition from partitions where role = 'notify' order by partition",
);

/** How the next of a lane begins. */
export interface Succession {
  readonly webhookId: string;
  readonly sensorId: string;
  readonly nextAttemptAt: number;
  readonly laneFailures: number;
}

/** Keeps everybody else from the partition's lanes until the end of the transaction. */
export async function lockLanes(client: ClientBase, partition: number): Promise<void> {
  await lock(client, partition);
}

/** The same, while the lease is held; false when it is not. */
export async function holdLanes(client: ClientBase, { partition, epoch, owner }: Lease): Promise<boolean> {
  return (await hold(client, partition, epoch, owner)).length > 0;
}

/** The same for several partitions, the lowest first, as everybody does who needs more than one. */
export async function lockLanesOf(client: ClientBase, partitions: readonly number[]): Promise<void> {
  if (partitions.length > 0) await lockSeveral(client, [...new Set(partitions)]);
}

/** Makes the next of each lane its head where the lane has none; gives those whose webhook may be sent to. */
export async function promoteLanes(client: ClientBase, partition: number, lanes: readonly Succession[]): Promise<DueDelivery[]> {
  if (lanes.length === 0) return [];
  const heads = await promote(
    client,
    partition,
    arrayText(lanes.map(({ webhookId }) => quoted(webhookId))),
    arrayText(lanes.map(({ sensorId }) => quoted(sensorId))),
    arrayText(lanes.map(({ nextAttemptAt }) => nextAttemptAt)),
    arrayText(lanes.map(({ laneFailures }) => laneFailures)),
  );
  return heads.filter(({ open }) => open).map(({ open: _, ...head }) => head);
}

/**
 * Gives a head to those of the lanes that have none. Where something came to stand before a lane's head, that one leads it on: the first
 * of the lane is its next.
 */
export async function promoteEmptyLanes(client: ClientBase, partition: number, lanes: readonly Succession[]): Promise<void> {
  const places = await unled(
    client,
    partition,
    arrayText(lanes.map(({ webhookId }) => quoted(webhookId))),
    arrayText(lanes.map(({ sensorId }) => quoted(sensorId))),
  );
  await promoteLanes(
    client,
    partition,
    places.flatMap(({ place }) => lanes[place - 1] ?? []),
  );
}

/** Makes a webhook's heads that wait after a failure due in every partition. */
export async function makeHeadsDue(connection: Connection, webhookId: string, now: number): Promise<void> {
  for (const { partition } of await notifyPartitions(connection.work)) {
    await inSlices(connection, async (client) => {
      await lockLanes(client, partition);
      return wakeSlice(client, { partition, webhookId, now });
    });
  }
}

/** Makes a webhook's heads that wait after a failure due in the partition of a lease, while it is held; gives how many. */
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
