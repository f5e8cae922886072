import type { ClientBase } from "pg";
import { EVENTS_LANE } from "../../domain/delivery";
import type { DeliveryStore, DueDelivery, Lease } from "../store";
import { arrayText, quoted } from "./arrays";
import { NOW_MS } from "./clock";
import type { Connection } from "./connection";
import { DUE_DELIVERY, holdLanes, IS_OPEN } from "./lanes";
import { statement } from "./statement";

/** So many end in one transaction, so that nobody else waits while a long lane is cut down. */
const COALESCED_AT_ONCE_MAX = 2000;

type Query = Parameters<DeliveryStore["coalesceDue"]>[1];

/** A head that is due; `last` is the number of the newest of its lane, `several` says that there are others. No operational event supersedes another. */
type Due = DueDelivery & { readonly last: number; readonly several: boolean };

/** One lane has several that are due where its order is none, or where one was sent again by hand. */
const look = statement<Due>(
  "coalesce.look",
  `select ${DUE_DELIVERY}, l.number as last,
     f.number < l.number and d.sensor_id <> '${EVENTS_LANE}' as several
   from (
     select * from deliveries d
     where d.partition = $1 and d.webhook_id = $2 and d.next_attempt_at <= $3
       and d.sensor_id not in (select e.sensor_id from deliveries e where e.id = any($5::text[]))
       and exists (select from (select $2::text as id) o left join webhooks w on w.id = o.id where ${IS_OPEN})
     order by d.next_attempt_at, d.ordinal limit $4) d
   cross join lateral (
     select p.number from deliveries p
     where p.webhook_id = $2 and p.partition = $1 and p.sensor_id = d.sensor_id and p.state = 'pending' order by p.number limit 1) f
   cross join lateral (
     select p.number from deliveries p
     where p.webhook_id = $2 and p.partition = $1 and p.sensor_id = d.sensor_id and p.state = 'pending' order by p.number desc limit 1) l
   order by d.next_attempt_at, d.ordinal`,
);

/** Oldest first, so that what is left of a lane that is not cut to its end is in order. */
const end = statement<{ ended: number }>(
  "coalesce.end",
  `with ended as (
     update deliveries set state = 'coalesced', reason = 'superseded', next_attempt_at = null, ended_at = ${NOW_MS} where ordinal in (
       select o.ordinal from unnest($3::text[], $4::bigint[]) l (sensor_id, last)
       cross join lateral (
         select p.ordinal from deliveries p
         where p.webhook_id = $2 and p.partition = $1 and p.sensor_id = l.sensor_id and p.state = 'pending' and p.number < l.last
         order by p.number limit $5) o
       limit $5)
     returning 1)
   select count(*)::int as ended from ended`,
);

/** What is left of a lane begins with the one that is its head from now on. */
const lead = statement(
  "coalesce.lead",
  `update deliveries d set next_attempt_at = l.next_attempt_at, lane_failures = greatest(d.lane_failures, l.lane_failures)
   from unnest($3::text[], $4::bigint[], $5::int[]) l (sensor_id, next_attempt_at, lane_failures)
   cross join lateral (
     select p.ordinal from deliveries p
     where p.webhook_id = $2 and p.partition = $1 and p.sensor_id = l.sensor_id and p.state = 'pending' order by p.number limit 1) f
   where d.ordinal = f.ordinal and (d.next_attempt_at is null or d.next_attempt_at > l.next_attempt_at)`,
);

/** Each slice in a transaction of its own, under the fence. */
export function prepareCoalesceDue(connection: Connection): DeliveryStore["coalesceDue"] {
  return async (lease, query) => {
    for (let coalesced = 0; ;) {
      const slice = await connection.commit(({ client }) => coalesceSlice(client, lease, query));
      coalesced += slice.ended;
      if (slice.heads !== null) return { heads: slice.heads, coalesced };
    }
  };
}

/** `heads` null: there is more to be cut. */
async function coalesceSlice(client: ClientBase, lease: Lease, query: Query): Promise<{ heads: DueDelivery[] | null; ended: number }> {
  if (!(await holdLanes(client, lease))) return { heads: [], ended: 0 };
  const { partition } = lease;
  const { webhookId, now, limit } = query;
  const except = arrayText(query.except.map(quoted));
  for (let ended = 0; ;) {
    const due = await look(client, partition, webhookId, now, limit, except);
    const long = lanesOf(due.filter(({ several }) => several));
    if (long.length === 0) return { heads: due.map(({ last: _, several: __, ...head }) => head), ended };
    if (ended >= COALESCED_AT_ONCE_MAX) return { heads: null, ended };
    const sensors = arrayText(long.map(({ sensorId }) => quoted(sensorId)));
    const lasts = arrayText(long.map(({ last }) => last));
    const [row] = await end(client, partition, webhookId, sensors, lasts, COALESCED_AT_ONCE_MAX - ended);
    ended += row?.ended ?? 0;
    const times = arrayText(long.map(({ nextAttemptAt }) => nextAttemptAt));
    await lead(client, partition, webhookId, sensors, times, arrayText(long.map(({ laneFailures }) => laneFailures)));
  }
}

/** One for each lane, due when the first of it is, with the most failures that any of it counts. */
function lanesOf(due: readonly Due[]): Due[] {
  const lanes = new Map<string, Due>();
  for (const head of due) {
    const first = lanes.get(head.sensorId) ?? head;
    lanes.set(head.sensorId, { ...first, laneFailures: Math.max(first.laneFailures, head.laneFailures) });
  }
  return [...lanes.values()];
}
