import type { ClientBase } from "pg";
import { deliveryId } from "../../domain/delivery";
import type { DueDelivery, Plan, PlanOutcome, PlanStore } from "../store";
import { arrayText, quoted, quotedOrNull } from "./arrays";
import { NOW_MS } from "./clock";
import type { Connection } from "./connection";
import { DUE_DELIVERY, IS_OPEN } from "./lanes";
import { statement } from "./statement";
import { EDITS, SHARE_WEBHOOKS, versionsThatMatter } from "./webhookVersions";

/** The partition's row, for this transaction alone, and only then the lock of the webhooks: no edit goes in until its end. */
const begin = statement<{ changeNumber: number }>(
  "plan.begin",
  `with held as materialized (
     select change_number from partitions where role = 'notify' and partition = $1 and epoch = $2 and owner = $3 for update)
   select change_number as "changeNumber", ${SHARE_WEBHOOKS} from held`,
);

/** In a statement of its own, which sees what was committed while the first one waited. */
const look = statement<{ edits: number; now: number }>("plan.look", `select ${EDITS} as edits, ${NOW_MS} as now`);

/** The first of each lane leads it, if the lane is empty. */
const commit = statement<DueDelivery>(
  "plan.commit",
  `with planned as (
     select p.* from unnest($5::text[], $6::text[], $7::bigint[], $8::text[], $9::bigint[], $10::text[], $11::text[])
       with ordinality p (id, webhook_id, number, sensor_id, revision, state, reason, place)
     left join lateral (select true as known from deliveries k where k.id = p.id limit 1) k on true
     where k.known is null),
   lined_up as (
     select *, case state when 'pending' then row_number() over (partition by state, webhook_id, sensor_id order by number, place) end as turn
     from planned),
   d as (
     insert into deliveries as d (id, webhook_id, partition, number, sensor_id, revision, state, reason, planned_at, owed_since,
       next_attempt_at, ended_at)
     select l.id, l.webhook_id, $1, l.number, l.sensor_id, l.revision, l.state, l.reason, $3, $3,
       case when l.turn = 1 and o.occupied is null then $4::bigint end, case l.state when 'pending' then null else $3::bigint end
     from lined_up l
     left join lateral (
       select true as occupied from deliveries o
       where l.turn = 1 and o.webhook_id = l.webhook_id and o.partition = $1 and o.sensor_id = l.sensor_id and o.state = 'pending'
       limit 1) o on true
     order by l.place
     on conflict (id) do nothing
     returning d.*),
   moved as (
     update partitions set change_number = $2, lease_until = $3::bigint + $12::bigint where role = 'notify' and partition = $1)
   select ${DUE_DELIVERY} from d left join webhooks w on w.id = d.webhook_id
   where d.next_attempt_at is not null and ${IS_OPEN} order by d.ordinal`,
);

export function openPlan(connection: Connection): PlanStore {
  return {
    webhookSet: () => connection.read(({ client }) => versionsThatMatter(client)),
    commitPlan: (plan) => connection.commit(({ client }) => commitPlan(client, plan)),
  };
}

async function commitPlan(client: ClientBase, { lease, leaseTtlMs, webhooksVersion, from, to, deliveries }: Plan): Promise<PlanOutcome> {
  const { partition, epoch, owner } = lease;
  const [held] = await begin(client, partition, epoch, owner);
  if (held === undefined) return { kind: "fenced" };
  const isIn = held.changeNumber === to && from !== to;
  if (held.changeNumber !== from && !isIn) return { kind: "moved" };
  const [seen] = (await look(client)) as [{ edits: number; now: number }];
  // Only the answer was lost: under this lease nobody else moves the cursor.
  if (isIn) return { kind: "planned", plannedAt: seen.now, heads: [] };
  if (seen.edits !== webhooksVersion) return { kind: "webhooksMoved" };
  const plannedAt = seen.now;
  // Whoever sends asks by its own clock what is due: a node whose clock is behind need not wait for what it planned itself.
  const dueAt = Math.min(plannedAt, Date.now());
  const columns = [
    deliveries.map(({ webhookId, number }) => quoted(deliveryId(webhookId, partition, number))),
    deliveries.map(({ webhookId }) => quoted(webhookId)),
    deliveries.map(({ number }) => number),
    deliveries.map(({ sensorId }) => quoted(sensorId)),
    deliveries.map(({ revision }) => revision),
    deliveries.map(({ state }) => state),
    deliveries.map(({ reason }) => quotedOrNull(reason)),
  ];
  const heads = await commit(client, partition, to, plannedAt, dueAt, ...columns.map(arrayText), leaseTtlMs);
  return { kind: "planned", plannedAt, heads };
}
