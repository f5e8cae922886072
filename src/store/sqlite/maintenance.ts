import { EVENTS_LANE } from "../../domain/delivery";
import { PRUNED_ATTEMPTS_MAX } from "../deliveryRows";
import { PRUNED } from "../feedRows";
import type { MaintenanceStore } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";
import type { PlaceInTime } from "./places/place";
import type { ReportPlaces } from "./places/reportPlaces";
import { prepareWebhookVersions } from "./webhookVersions";

/** Takes out what is old, the oldest first, so that a call looks at no more than it takes out and a few rows beside. */
export function openMaintenance(connection: Connection, places: Pick<ReportPlaces, "forget">): Direct<MaintenanceStore> {
  const { client, write } = connection;
  const versions = prepareWebhookVersions(connection);
  const pruneReports = prepareReports(connection, places);
  const pruneChanges = prepareChanges(connection);
  const pruneDeliveries = prepareDeliveries(connection);
  const pruneEvents = prepareEvents(connection);
  const replays = client.prepare<[number, number]>(
    "delete from replays where id in (select id from replays where state <> 'running' and updated_at < ? order by id limit ?)",
  );
  const deadLetters = client.prepare<[number, number]>(
    "delete from dead_letters where id in (select id from dead_letters where received_at < ? order by received_at limit ?)",
  );

  return {
    prune(before, limit) {
      versions.markPassed();
      // One commit each: whoever waits for the database waits for one of them at most.
      return {
        reports: pruneReports(before.reports, limit),
        changes: write(() => pruneChanges(before.changes, limit)),
        ...write(() => pruneDeliveries(before.deliveries, limit)),
        operational_events: write(() => pruneEvents(before.deliveries, limit)),
        replays: replays.run(before.deliveries, limit).changes,
        dead_letters: deadLetters.run(before.deadLetters, limit).changes,
      };
    },

    prepareDays: () => null,
  };
}

type Prune = (before: number, limit: number) => number;

/** Spends `limit` on one partition after the other. */
function overPartitions({ client }: Connection, prune: (partition: number, before: number, limit: number) => number): Prune {
  const partitions = client.prepare<[], number>("select partition from partitions where role = 'ingest' order by partition").pluck();
  return (before, limit) => {
    let pruned = 0;
    for (const partition of partitions.all()) {
      if (pruned < limit) pruned += prune(partition, before, limit - pruned);
    }
    return pruned;
  };
}

/** `recordedAt` never goes back in a partition: the oldest rows are the first by the primary key. */
function prepareReports(connection: Connection, places: Pick<ReportPlaces, "forget">): Prune {
  type Pruned = PlaceInTime & { readonly sensorId: string };
  const drop = connection.client.prepare<[number, number, number], Pruned>(
    `delete from reports where (partition, generation, sequence) in (
       select partition, generation, sequence from reports where partition = ? order by generation, sequence limit ?)
     and recorded_at < ? returning sensor_id as sensorId, received_at as receivedAt, partition, generation, sequence`,
  );
  return overPartitions(connection, (partition, before, limit) => {
    const pruned = connection.write(() => drop.all(partition, limit, before));
    places.forget(pruned);
    return pruned.length;
  });
}

function prepareChanges(connection: Connection): Prune {
  // The pluses keep SQLite from looking at all that is published for the few that are the oldest.
  const drop = connection.client
    .prepare<[number, number, number, number, number], number>(
      `delete from changes where partition = ? and number in (select number from changes where partition = ? order by number limit ?)
       and +recorded_at < ? and +number <= ? returning number`,
    )
    .pluck();
  // How far it went: what is missing else was erased.
  const note = connection.client.prepare<[string, number]>(
    "insert into meta (name, value) values (?, ?) on conflict (name) do update set value = max(value, excluded.value)",
  );
  // Nobody has yet to publish them, and nobody to plan by them.
  const passed = connection.client
    .prepare<[number], number>(
      `select min(i.published, coalesce(n.change_number, 0)) from partitions i
       left join partitions n on n.role = 'notify' and n.partition = i.partition where i.role = 'ingest' and i.partition = ?`,
    )
    .pluck();
  return overPartitions(connection, (partition, before, limit) => {
    const gone = drop.all(partition, partition, limit, before, passed.get(partition) ?? 0);
    if (gone.length > 0) note.run(`${PRUNED}${partition}`, Math.max(...gone));
    return gone.length;
  });
}

/** Those that ended, with their attempts. */
function prepareDeliveries({ client }: Connection): (before: number, limit: number) => { deliveries: number; attempts: number } {
  const oldest = client.prepare<[], { ordinal: number; id: string; state: string; planned_at: number }>(
    "select ordinal, id, state, planned_at from deliveries order by ordinal",
  );
  const drop = client.prepare<[number]>("delete from deliveries where ordinal = ?");
  const dropAttempts = client.prepare<[string]>("delete from attempts where delivery_id = ?");

  return (before, limit) => {
    const old: { ordinal: number; id: string }[] = [];
    for (const row of oldest.iterate()) {
      if (row.planned_at >= before || old.length === limit) break;
      if (row.state !== "pending") old.push(row);
    }
    let [deliveries, attempts] = [0, 0];
    for (const { ordinal, id } of old) {
      if (attempts >= PRUNED_ATTEMPTS_MAX) break;
      attempts += dropAttempts.run(id).changes;
      drop.run(ordinal);
      deliveries += 1;
    }
    return { deliveries, attempts };
  };
}

/** One that is owed to somebody still, and what came after it, stays. */
function prepareEvents({ client }: Connection): Prune {
  const old = client
    .prepare<[number, number], number>("select number from operational_events where recorded_at < ? order by recorded_at limit ?")
    .pluck();
  const owed = client
    .prepare<[], number | null>(
      `select min((select min(number) from deliveries
         where state = 'pending' and webhook_id = w.id and sensor_id = '${EVENTS_LANE}')) from webhooks w`,
    )
    .pluck();
  const drop = client.prepare<[number]>("delete from operational_events where number = ?");
  return (before, limit) => {
    const numbers = old.all(before, limit);
    if (numbers.length === 0) return 0;
    const oldestOwed = owed.get() ?? Number.MAX_SAFE_INTEGER;
    const gone = numbers.filter((number) => number < oldestOwed);
    for (const number of gone) drop.run(number);
    return gone.length;
  };
}
