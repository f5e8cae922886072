import { PRUNED_ATTEMPTS_MAX } from "../deliveryRows";
import { searchTextOf } from "../searchText";
import type { ErasureStore } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";
import { beginningOf, type PlaceInTime, type Span, spanBeyond } from "./places/place";
import type { ReportPlaces } from "./places/reportPlaces";

/** Says that what was recorded of a sensor so far is to go, with what its tombstone still tells. Belongs into the transaction that buries it. */
export function prepareEraseBefore({ client }: Connection): (id: string, partition: number) => void {
  // A commit of the same millisecond is told apart: what comes after this is recorded later than all that came before.
  const moveOn = client
    .prepare<[number, number], number>(
      `update partitions set recorded_at = max(recorded_at + 1, ?) where role = 'ingest' and partition = ? returning recorded_at`,
    )
    .pluck();
  const mark = client.prepare<[number, string, string]>(
    "update sensors set erase_before = ?, name = id, labels = '{}', metadata = '{}', search_text = ? where id = ?",
  );
  return (id, partition) => {
    mark.run(moveOn.get(Date.now(), partition) as number, searchTextOf(id, id), id);
  };
}

/** The time before which what was recorded of a sensor is to go; undefined when nothing is. */
export function prepareErased({ client }: Connection): (sensorId: string) => number | undefined {
  const erased = client.prepare<[string], number>("select erase_before from sensors where id = ? and erase_before is not null").pluck();
  return (sensorId) => erased.get(sensorId);
}

interface Erasing {
  readonly id: string;
  readonly before: number;
}

export function openErasure(connection: Connection, places: Pick<ReportPlaces, "placesOf" | "forget">): Direct<ErasureStore> {
  const { client, write } = connection;
  const next = client.prepare<[string], Erasing>(
    "select id, erase_before as before from sensors where erase_before is not null and id > ? order by id limit 1",
  );
  const eraseDeliveries = prepareDeliveries(connection);
  const eraseChanges = prepareChanges(connection);
  const eraseReports = prepareReports(connection, places);
  // What is owed stands by its change; one that was pruned stood before.
  const finish = client.prepare<[string, number]>(
    `update sensors set erase_before = null where id = ? and erase_before = ?
       and not exists (select 1 from changes c where c.sensor_id = sensors.id and c.recorded_at < sensors.erase_before)
       and not exists (
         select 1 from deliveries d where d.sensor_id = sensors.id and d.planned_at <= sensors.erase_before
           and not exists (select 1 from changes c where c.partition = d.partition and c.number = d.number))`,
  );

  return {
    eraseHistory(afterId, limit) {
      const erasing = next.get(afterId);
      if (erasing === undefined) return null;
      // One commit each: whoever waits for the database waits for one of them at most.
      const deliveries = write(() => eraseDeliveries(erasing, limit));
      const changes = write(() => eraseChanges(erasing, limit));
      const { reports, places: forgotten } = eraseReports(erasing, limit);
      const rows = { reports, changes, ...deliveries };
      // Places are forgotten in a while: not until none is found is it sure that none comes back after a crash.
      const finished = forgotten === 0 && finish.run(erasing.id, erasing.before).changes > 0;
      return { sensorId: erasing.id, rows, finished };
    },
  };
}

/** Those that ended, with their attempts. */
function prepareDeliveries({ client }: Connection) {
  const ended = client.prepare<[string, number, number, number], { ordinal: number; id: string }>(
    `select d.ordinal, d.id from deliveries d left join changes c on c.partition = d.partition and c.number = d.number
     where d.sensor_id = ? and d.state <> 'pending' and (c.recorded_at < ? or c.number is null and d.planned_at <= ?)
     order by d.ordinal limit ?`,
  );
  const drop = client.prepare<[number]>("delete from deliveries where ordinal = ?");
  const dropAttempts = client.prepare<[string]>("delete from attempts where delivery_id = ?");

  return ({ id, before }: Erasing, limit: number): { deliveries: number; attempts: number } => {
    let [deliveries, attempts] = [0, 0];
    for (const delivery of ended.all(id, before, before, limit)) {
      if (attempts >= PRUNED_ATTEMPTS_MAX) break;
      attempts += dropAttempts.run(delivery.id).changes;
      drop.run(delivery.ordinal);
      deliveries += 1;
    }
    return { deliveries, attempts };
  };
}

/** Not what somebody has yet to publish, to plan by or to deliver. */
function prepareChanges({ client }: Connection) {
  const drop = client.prepare<[string, number, string, number]>(
    `delete from changes where (partition, number) in (
       select c.partition, c.number from changes c
       where c.sensor_id = ? and c.recorded_at < ?
         and c.number <= (
           select min(i.published, coalesce(n.change_number, 0)) from partitions i
           left join partitions n on n.role = 'notify' and n.partition = i.partition
           where i.role = 'ingest' and i.partition = c.partition)
         and (c.partition, c.number) not in (select d.partition, d.number from deliveries d where d.sensor_id = ?)
       order by c.revision limit ?)`,
  );
  return ({ id, before }: Erasing, limit: number): number => drop.run(id, before, id, limit).changes;
}

/** In the order of their times, which is that of their recording: behind the first that stays nothing has to go. */
function prepareReports({ client, write }: Connection, places: Pick<ReportPlaces, "placesOf" | "forget">) {
  const recordedAt = client
    .prepare<[number, number, number], number>("select recorded_at from reports where partition = ? and generation = ? and sequence = ?")
    .pluck();
  const drop = client.prepare<[number, number, number]>("delete from reports where partition = ? and generation = ? and sequence = ?");

  return ({ id: sensorId, before }: Erasing, limit: number): { reports: number; places: number } => {
    const gone: (PlaceInTime & { readonly sensorId: string })[] = [];
    const reports = write(() => {
      let count = 0;
      let span: Span | null = { after: beginningOf(0), before: beginningOf(Number.MAX_SAFE_INTEGER), order: "asc" };
      while (span !== null && count < limit) {
        const found = places.placesOf(sensorId, span, limit);
        for (const place of found) {
          const at = recordedAt.get(place.partition, place.generation, place.sequence);
          if (count === limit || (at !== undefined && at >= before)) return count;
          // A place whose report is gone already is only to be forgotten.
          count += drop.run(place.partition, place.generation, place.sequence).changes;
          gone.push({ ...place, sensorId });
        }
        const last = found.at(-1);
        span = last === undefined || found.length < limit ? null : spanBeyond(span, last);
      }
      return count;
    });
    places.forget(gone);
    return { reports, places: gone.length };
  };
}
