import type { ClientBase } from "pg";
import { deliveryId } from "../../domain/delivery";
import type { DueDelivery, Plan, PlannedDelivery, PlanOutcome, PlanStore } from "../store";
import { type ArrayElement, arrayText, numberOrNull, quoted, quotedOrNull } from "./arrays";
import { NOW_MS } from "./clock";
import type { Connection } from "./connection";
import { isTaken } from "./faults";
import { BATCH, beginnings, FREE, LEADS } from "./planBeginnings";
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

/**
 * Whether one begins or waits is told by the last of its lane (o), and by its last success where it rests after each (s). What is planned
 * at once gets its ordinals in the order of its places, so that `places` says which of them may be sent.
 */
const commit = statement<{ places: string | null }>(
  "plan.commit",
  `with d as (
     insert into deliveries as d (id, webhook_id, partition, number, sensor_id, revision, state, reason, planned_at, owed_since,
       next_attempt_at, ended_at, min_interval_ms)
     select p.id, p.webhook_id, $1, p.number, p.sensor_id, p.revision, p.state, p.reason, $3, $3,
       case p.begins
         when ${FREE} then $4::bigint
         when ${BATCH} then case when o.number is null or o.next_attempt_at = 0 then 0 end
         when ${LEADS} then case when o.number is null then greatest($4::bigint, s.ended_at + p.min_interval_ms) end
       end,
       case p.state when 'pending' then null else $3::bigint end, coalesce(p.min_interval_ms, 0)
     from unnest($5::text[], $6::text[], $7::bigint[], $8::text[], $9::bigint[], $10::text[], $11::text[], $12::int[], $13::bigint[])
       with ordinality p (id, webhook_id, number, sensor_id, revision, state, reason, begins, min_interval_ms, place)
     left join lateral (
       select o.number, o.next_attempt_at from deliveries o
       where p.begins in (${LEADS}, ${BATCH}) and o.webhook_id = p.webhook_id and o.partition = $1 and o.sensor_id = p.sensor_id
         and o.state = 'pending'
       order by o.number desc limit 1) o on true
     left join lateral (
       select s.ended_at from deliveries s
       where p.begins = ${LEADS} and p.min_interval_ms > 0 and s.webhook_id = p.webhook_id and s.sensor_id = p.sensor_id
         and s.min_interval_ms > 0 and s.state = 'delivered'
       order by s.ended_at desc limit 1) s on true
     order by p.place
     returning d.ordinal, d.webhook_id, d.next_attempt_at),
   closed as materialized (
     select w.id from unnest($14::text[]) u (id) join webhooks w on w.id = u.id where w.state <> 'active'),
   moved as (
     update partitions set change_number = $2, lease_until = $3::bigint + $15::bigint where role = 'notify' and partition = $1)
   select string_agg(place::text, ',' order by place) as places
   from (select webhook_id, next_attempt_at, row_number() over (order by ordinal) - 1 as place from d) d
   where next_attempt_at <= $4 and webhook_id not in (select id from closed)`,
);

const known = statement<{ id: string }>("plan.known", "select d.id from unnest($1::text[]) u (id) join deliveries d on d.id = u.id");

export function openPlan(connection: Connection): PlanStore {
  const commitPlan = (plan: Plan, newOf: NewOf = all) => connection.commit(({ client }) => planWithin(client, plan, newOf));
  return {
    webhookSet: (known = null) => connection.readAhead(({ client }) => versionsThatMatter(client, known)),

    async commitPlan(plan) {
      try {
        return await commitPlan(plan);
      } catch (error) {
        // What is planned is new but for a cursor that was set back, so it is not looked for in vain.
        if (!isTaken(error)) throw error;
        return commitPlan(plan, unplanned);
      }
    },
  };
}

async function planWithin(client: ClientBase, plan: Plan, newOf: NewOf): Promise<PlanOutcome> {
  const { lease, webhooksVersion, from, to } = plan;
  const { partition, epoch, owner } = lease;
  const [held] = await begin(client, partition, epoch, owner);
  if (held === undefined) return { kind: "fenced" };
  const isIn = held.changeNumber === to && from !== to;
  if (held.changeNumber !== from && !isIn) return { kind: "moved" };
  const [seen] = (await look(client)) as [{ edits: number; now: number }];
  // Only the answer was lost: under this lease nobody else moves the cursor.
  if (isIn) return { kind: "planned", plannedAt: seen.now, heads: [] };
  if (seen.edits !== webhooksVersion) return { kind: "webhooksMoved" };
  const deliveries = await newOf(client, plan);
  return { kind: "planned", plannedAt: seen.now, heads: await insert(client, { ...plan, deliveries }, seen.now) };
}

/** Gives the heads. */
async function insert(client: ClientBase, { lease, leaseTtlMs, to, deliveries }: Plan, plannedAt: number): Promise<DueDelivery[]> {
  const { partition } = lease;
  // Whoever sends asks by its own clock what is due: a node whose clock is behind need not wait for what it planned itself.
  const dueAt = Math.min(plannedAt, Date.now());
  const begins = beginnings(deliveries);
  const columns = [
    deliveries.map((delivery) => quoted(idOf(delivery, partition))),
    deliveries.map(({ webhookId }) => quoted(webhookId)),
    deliveries.map(({ number }) => number),
    deliveries.map(({ sensorId }) => quoted(sensorId)),
    deliveries.map(({ revision }) => revision),
    deliveries.map(({ state }) => state),
    unlessUsual(deliveries, ({ reason }) => (reason === null ? null : quotedOrNull(reason))),
    begins.map(numberOrNull),
    unlessUsual(deliveries, ({ minIntervalMs }) => (minIntervalMs === 0 ? null : minIntervalMs)),
    Array.from(new Set(deliveries.map(({ webhookId }) => webhookId)), quoted),
  ];
  const [row] = await commit(client, partition, to, plannedAt, dueAt, ...columns.map(arrayText), leaseTtlMs);
  const places = row?.places == null ? [] : row.places.split(",").map(Number);
  return places.map((place) => {
    const { webhookId, sensorId, number } = deliveries[place] as PlannedDelivery;
    const nextAttemptAt = begins[place] === BATCH ? 0 : dueAt;
    const id = deliveryId(webhookId, partition, number);
    return { id, webhookId, sensorId, partition, number, plannedAt, nextAttemptAt, laneFailures: 0, rejections: 0 };
  });
}

/** Those of a plan that are not in already. */
type NewOf = (client: ClientBase, plan: Plan) => readonly PlannedDelivery[] | Promise<readonly PlannedDelivery[]>;

function all(_: ClientBase, { deliveries }: Plan): readonly PlannedDelivery[] {
  return deliveries;
}

async function unplanned(client: ClientBase, { lease: { partition }, deliveries }: Plan): Promise<PlannedDelivery[]> {
  const rows = await known(client, arrayText(deliveries.map((delivery) => quoted(idOf(delivery, partition)))));
  const ids = new Set(rows.map(({ id }) => id));
  return deliveries.filter((delivery) => !ids.has(idOf(delivery, partition)) && ids.add(idOf(delivery, partition)));
}

function idOf({ webhookId, number }: PlannedDelivery, partition: number): string {
  return deliveryId(webhookId, partition, number);
}

/** Nothing where all are null: what is shorter than the others is filled up with NULL. */
function unlessUsual(deliveries: readonly PlannedDelivery[], of: (delivery: PlannedDelivery) => ArrayElement | null): ArrayElement[] {
  return deliveries.some((delivery) => of(delivery) !== null) ? deliveries.map((delivery) => of(delivery) ?? "NULL") : [];
}
