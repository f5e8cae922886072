import { PRUNED_ATTEMPTS_MAX } from "../deliveryRows";
import { type Erasing, type LetterLook, LetterSweep, SWEPT_TOGETHER_MAX } from "../letterSweep";
import { searchTextOf } from "../searchText";
import type { ErasureStore } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";
import { beginningOf, type PlaceInTime, type Span, spanBeyond } from "./places/place";
import type { ReportPlaces } from "./places/reportPlaces";

/**
 * Says that what was recorded of a sensor so far is to go, with what its tombstone and its state still tell, but for the number of its last
 * change. Belongs into the transaction that buries it: what its owner decided without that is refused.
 */
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
  const clear = client.prepare<[string]>(
    `update states set status = null, severity = null, availability = 'pending', since = null, last_reported_at = null,
       last_received_at = null, at_max = null, check_at = null where sensor_id = ?`,
  );
  return (id, partition) => {
    clear.run(id);
    mark.run(moveOn.get(Date.now(), partition) as number, searchTextOf(id, id), id);
  };
}

/** The time before which what was recorded of a sensor is to go; undefined when nothing is. */
export function prepareErased({ client }: Connection): (sensorId: string) => number | undefined {
  const erased = client.prepare<[string], number>("select erase_before from sensors where id = ? and erase_before is not null").pluck();
  return (sensorId) => erased.get(sensorId);
}

export function openErasure(connection: Connection, places: Pick<ReportPlaces, "placesOf" | "forget">): Direct<ErasureStore> {
  const { client, write } = connection;
  const next = client.prepare<[string], Erasing>(
    "select id, erase_before as before from sensors where erase_before is not null and id > ? order by id limit 1",
  );
  const eraseDeliveries = prepareDeliveries(connection);
  const eraseChanges = prepareChanges(connection);
  const eraseReports = prepareReports(connection, places);
  const letters = prepareLetters(connection);
  // What is owed stands by its change; one that was pruned stood before.
  const LEFT_ALONE = `id = ? and erase_before = ?
       and not exists (select 1 from changes c where c.sensor_id = sensors.id and c.recorded_at < sensors.erase_before)
       and not exists (
         select 1 from deliveries d where d.sensor_id = sensors.id and d.planned_at <= sensors.erase_before
           and not exists (select 1 from changes c where c.partition = d.partition and c.number = d.number))`;
  const alone = client.prepare<[string, number], 1>(`select 1 from sensors where ${LEFT_ALONE}`).pluck();
  const finish = client.prepare<[string, number]>(`update sensors set erase_before = null where ${LEFT_ALONE}`);

  return {
    eraseHistory(afterId, limit) {
      const erasing = next.get(afterId);
      if (erasing === undefined) return null;
      // One commit each: whoever waits for the database waits for one of them at most.
      const deliveries = write(() => eraseDeliveries(erasing, limit));
      const changes = write(() => eraseChanges(erasing, limit));
      const { reports, places: forgotten } = eraseReports(erasing, limit);
      // Places are forgotten in a while: not until none is found is it sure that none comes back after a crash.
      const waits = forgotten > 0 || alone.get(erasing.id, erasing.before) === undefined;
      const dead_letters = waits || letters.isSwept(erasing) ? 0 : letters.sweep(erasing, limit);
      const swept = letters.isSwept(erasing);
      const finished = !waits && swept && finish.run(erasing.id, erasing.before).changes > 0;
      return { sensorId: erasing.id, rows: { reports, changes, ...deliveries, dead_letters }, finished, goesOn: !waits && !swept };
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

/** With those of other such sensors. */
function prepareLetters({ client, read, write }: Connection) {
  const walk = new LetterSweep();
  const look = client.prepare<
    [number, string, number, number],
    Omit<LetterLook, "place"> & { at: number; stream: string; sequence: number }
  >(
    `select id, subject, recorded_at as recordedAt, received_at as at, stream, sequence from dead_letters
     where (received_at, stream, sequence) > (?, ?, ?) order by received_at, stream, sequence limit ?`,
  );
  const sought = client.prepare<[string, number], Erasing>(
    "select id, erase_before as before from sensors where erase_before is not null and id >= ? order by id limit ?",
  );
  const drop = client.prepare<[string]>("delete from dead_letters where id = ?");

  return {
    isSwept: (erasing: Erasing) => walk.isSwept(erasing),

    /** Looks at the next `limit`; gives how many it took out. */
    sweep({ id }: Erasing, limit: number): number {
      const from = walk.placeFor(() => sought.all(id, SWEPT_TOGETHER_MAX));
      const looked = read(() => look.all(...from, limit)).map(({ at, stream, sequence, ...letter }): LetterLook => ({
        ...letter,
        place: [at, stream, sequence],
      }));
      const gone = walk.toGo(looked);
      write(() => {
        for (const each of gone) drop.run(each);
      });
      walk.passed(looked, limit);
      return gone.length;
    },
  };
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
