import { EVENTS_LANE } from "../../domain/delivery";
import { PRUNED_ATTEMPTS_MAX } from "../deliveryRows";
import { PRUNED } from "../feedRows";
import type { MaintenanceStore } from "../store";
import type { Connection } from "./connection";
import { dropDaysBefore, prepareDays } from "./days";
import { statement } from "./statement";
import { markPassed } from "./webhookVersions";

const OLD_DELIVERIES_READ = 2000;

const ingestPartitions = statement<{ partition: number }>(
  "prune.partitions",
  "select partition from partitions where role = 'ingest' order by partition",
);
// `recordedAt` never goes back in a partition: the oldest rows are the first by the primary key.
const pruneReports = statement<{ pruned: number }>(
  "prune.reports",
  `with gone as (
     delete from reports where recorded_at < $2::bigint and (partition, generation, sequence) in (
       select partition, generation, sequence from reports where partition = $1 order by generation, sequence limit $3)
     returning 1)
   select count(*) as pruned from gone`,
);
// Not what somebody has yet to publish, nor what somebody has to plan by. How far it went is kept: what is missing else was erased.
const pruneChanges = statement<{ pruned: number }>(
  "prune.changes",
  `with gone as (
     delete from changes where partition = $1 and recorded_at < $2::bigint
       and number in (select number from changes where partition = $1 order by number limit $3)
       and number <= (
         select least(i.published, coalesce(n.change_number, 0)) from partitions i
         left join partitions n on n.role = 'notify' and n.partition = i.partition where i.role = 'ingest' and i.partition = $1)
     returning number),
   noted as (
     insert into meta as m (name, value) select '${PRUNED}' || $1::int, max(number) from gone having count(*) > 0
     on conflict (name) do update set value = greatest(m.value, excluded.value))
   select count(*) as pruned from gone`,
);
const oldestDeliveries = statement<{ ordinal: number; state: string; planned_at: number }>(
  "prune.oldestDeliveries",
  "select ordinal, state, planned_at from deliveries where ordinal > $1 order by ordinal limit $2",
);
// What somebody makes pending again meanwhile stays. Attempts are numbered without gaps: the last number is how many there are.
export const dropDeliveries = statement<{ deliveries: number; attempts: number }>(
  "prune.deliveries",
  `with old as materialized (
     select ordinal, id from deliveries where ordinal = any($1::bigint[]) and state <> 'pending' order by ordinal for update skip locked),
   counted as materialized (
     select o.ordinal, sum(a.number) over (order by o.ordinal) - a.number as before from old o cross join lateral (
       select coalesce(max(number), 0) as number from attempts where delivery_id = o.id) a),
   gone as (
     delete from deliveries d using counted c where d.ordinal = c.ordinal and c.before < ${PRUNED_ATTEMPTS_MAX} returning d.id),
   tries as (delete from attempts a using gone where a.delivery_id = gone.id returning 1)
   select (select count(*) from gone) as deliveries, (select count(*) from tries) as attempts`,
);
// One that is owed to somebody still, and what came after it, stays.
const pruneEvents = statement<{ pruned: number }>(
  "prune.operationalEvents",
  `with owed as materialized (
     select min(f.number) as number from webhooks w join partitions p on p.role = 'notify' cross join lateral (
       select d.number from deliveries d
       where d.webhook_id = w.id and d.partition = p.partition and d.sensor_id = '${EVENTS_LANE}' and d.state = 'pending'
       order by d.number limit 1) f
     where exists (select from operational_events where recorded_at < $1)),
   gone as (
     delete from operational_events
     where number = any(array(select number from operational_events where recorded_at < $1 order by recorded_at limit $2))
       and number < coalesce((select number from owed), ${Number.MAX_SAFE_INTEGER})
     returning 1)
   select count(*) as pruned from gone`,
);
const pruneReplays = statement<{ pruned: number }>(
  "prune.replays",
  `with gone as (
     delete from replays where id = any(array(select id from replays where state <> 'running' and updated_at < $1 order by id limit $2))
       and state <> 'running'
     returning 1)
   select count(*) as pruned from gone`,
);
const pruneDeadLetters = statement<{ pruned: number }>(
  "prune.deadLetters",
  `with gone as (
     delete from dead_letters where id = any(array(select id from dead_letters where received_at < $1 order by received_at limit $2))
     returning 1)
   select count(*) as pruned from gone`,
);

/** Takes out what is old, the oldest first, so that a call looks at no more than it takes out and a few rows beside. */
export function openMaintenance(connection: Connection): MaintenanceStore {
  const { work } = connection;
  return {
    async prune(before, limit) {
      await connection.write(({ client }) => markPassed(client));
      const days = await dropDaysBefore(connection, before.reports);
      return {
        reports: days + (await overPartitions(connection, pruneReports, before.reports, limit)),
        changes: await overPartitions(connection, pruneChanges, before.changes, limit),
        ...(await prunedDeliveries(connection, before.deliveries, limit)),
        operational_events: (await pruneEvents(work, before.deliveries, limit))[0]?.pruned ?? 0,
        replays: (await pruneReplays(work, before.deliveries, limit))[0]?.pruned ?? 0,
        dead_letters: (await pruneDeadLetters(work, before.deadLetters, limit))[0]?.pruned ?? 0,
      };
    },

    prepareDays: (ahead) => prepareDays(connection, ahead),
  };
}

/** Spends `limit` on one partition after the other. */
async function overPartitions({ work }: Connection, prune: typeof pruneReports, before: number, limit: number): Promise<number> {
  let pruned = 0;
  for (const { partition } of await ingestPartitions(work)) {
    if (pruned < limit) pruned += (await prune(work, partition, before, limit - pruned))[0]?.pruned ?? 0;
  }
  return pruned;
}

/** Those that ended, with their attempts. */
async function prunedDeliveries({ work }: Connection, before: number, limit: number): Promise<{ deliveries: number; attempts: number }> {
  const old: number[] = [];
  for (let after = 0; ;) {
    const rows = await oldestDeliveries(work, after, OLD_DELIVERIES_READ);
    const young = rows.findIndex(({ planned_at }) => planned_at >= before);
    const ended = (young === -1 ? rows : rows.slice(0, young)).filter(({ state }) => state !== "pending");
    old.push(...ended.map(({ ordinal }) => ordinal));
    if (young !== -1 || rows.length < OLD_DELIVERIES_READ || old.length >= limit) break;
    after = rows.at(-1)?.ordinal ?? after;
  }
  if (old.length === 0) return { deliveries: 0, attempts: 0 };
  const [dropped] = await dropDeliveries(work, old.slice(0, limit));
  return dropped ?? { deliveries: 0, attempts: 0 };
}
