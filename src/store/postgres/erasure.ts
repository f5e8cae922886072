import type { ClientBase } from "pg";
import { type Erasing, type LetterLook, LetterSweep, SWEPT_TOGETHER_MAX } from "../letterSweep";
import { searchTextOf } from "../searchText";
import type { ErasureStore } from "../store";
import { NOW_MS } from "./clock";
import type { Connection } from "./connection";
import { dropDeliveries } from "./maintenance";
import { statement } from "./statement";

// A commit of the same millisecond is told apart: what comes after this is recorded later than all that came before.
const mark = statement(
  "erasure.mark",
  `with moved as (
     update partitions set recorded_at = greatest(recorded_at + 1, ${NOW_MS})
     where role = 'ingest' and partition = (select partition from sensors where id = $1) returning recorded_at),
   cleared as (
     update states set status = null, severity = null, availability = 'pending', since = null, last_reported_at = null,
       last_received_at = null, at_max = null, check_at = null where sensor_id = $1)
   update sensors set erase_before = moved.recorded_at, name = id, labels = '{}', metadata = '{}', search_text = $2
   from moved where id = $1`,
);

const next = statement<{ id: string; before: number }>(
  "erasure.next",
  "select id, erase_before as before from sensors where erase_before is not null and id > $1 order by id limit 1",
);

/** Those that ended. */
const ended = statement<{ ordinal: number }>(
  "erasure.deliveries",
  `select d.ordinal from deliveries d left join changes c on c.partition = d.partition and c.number = d.number
   where d.sensor_id = $1 and d.state <> 'pending' and (c.recorded_at < $2::bigint or c.number is null and d.planned_at <= $2::bigint)
   order by d.ordinal limit $3`,
);

/** Not what somebody has yet to publish, to plan by or to deliver. Whoever prunes the same is not waited for. */
const eraseChanges = statement<{ erased: number }>(
  "erasure.changes",
  `with old as materialized (
     select c.partition, c.number from changes c
     where c.sensor_id = $1 and c.recorded_at < $2::bigint
       and c.number <= (
         select least(i.published, coalesce(n.change_number, 0)) from partitions i
         left join partitions n on n.role = 'notify' and n.partition = i.partition
         where i.role = 'ingest' and i.partition = c.partition)
       and not exists (select from deliveries d where d.sensor_id = $1 and d.partition = c.partition and d.number = c.number)
     order by c.revision limit $3 for update of c skip locked),
   gone as (
     delete from changes c using old where c.partition = old.partition and c.number = old.number returning 1)
   select count(*)::int as erased from gone`,
);

/** In the order of a sensor's reports. */
const PLACE = "received_at, partition, generation, sequence";
const firstBeyond = statement<{ received_at: number; partition: number; generation: number; sequence: number }>(
  "erasure.firstBeyond",
  `select ${PLACE} from reports where sensor_id = $1 and recorded_at < $2::bigint order by ${PLACE} offset $3 limit 1`,
);
const eraseReports = statement<{ erased: number }>(
  "erasure.reports",
  `with gone as (
     delete from reports where sensor_id = $1 and recorded_at < $2::bigint and (${PLACE}) < ($3::bigint, $4::int, $5::int, $6::bigint)
     returning 1)
   select count(*)::int as erased from gone`,
);

// What is owed stands by its change; one that was pruned stood before.
const LEFT_ALONE = `s.id = $1 and s.erase_before = $2::bigint
     and not exists (select from reports r where r.sensor_id = $1 and r.recorded_at < $2::bigint)
     and not exists (select from changes c where c.sensor_id = $1 and c.recorded_at < $2::bigint)
     and not exists (
       select from deliveries d left join changes c on c.partition = d.partition and c.number = d.number
       where d.sensor_id = $1 and d.planned_at <= $2::bigint and c.number is null)`;
const alone = statement<{ id: string }>("erasure.alone", `select s.id from sensors s where ${LEFT_ALONE}`);
const finish = statement<{ id: string }>("erasure.finish", `update sensors s set erase_before = null where ${LEFT_ALONE} returning s.id`);

const sought = statement<Erasing>(
  "erasure.sought",
  "select id, erase_before as before from sensors where erase_before is not null and id >= $1 order by id limit $2",
);
const lookAtLetters = statement<Omit<LetterLook, "place"> & { at: number; stream: string; sequence: number }>(
  "erasure.lookAtLetters",
  `select id, subject, recorded_at as "recordedAt", received_at as at, stream, sequence from dead_letters
   where (received_at, stream, sequence) > ($1::bigint, $2::text, $3::bigint) order by received_at, stream, sequence limit $4`,
);
const dropLetters = statement<{ gone: number }>(
  "erasure.dropLetters",
  "with gone as (delete from dead_letters where id = any($1::text[]) returning 1) select count(*)::int as gone from gone",
);

/** Behind every report. */
const END = { received_at: Number.MAX_SAFE_INTEGER, partition: 0, generation: 0, sequence: 0 };

/**
 * Says that what was recorded of a sensor so far is to go, with what its tombstone and its state still tell, but for the number of its last
 * change. Belongs into the transaction that buries it: what its owner decided without that is refused.
 */
export async function eraseBefore(client: ClientBase, id: string): Promise<void> {
  await mark(client, id, searchTextOf(id, id));
}

/** With those of other such sensors: looks at the next `limit`, and gives how many it took out. */
async function sweepLetters(
  work: Connection["work"],
  { walk, erasing, limit }: { readonly walk: LetterSweep; readonly erasing: Erasing; readonly limit: number },
): Promise<number> {
  const beginning = await sought(work, erasing.id, SWEPT_TOGETHER_MAX);
  const rows = await lookAtLetters(work, ...walk.placeFor(() => beginning), limit);
  const looked = rows.map(({ at, stream, sequence, ...letter }): LetterLook => ({ ...letter, place: [at, stream, sequence] }));
  const letters = walk.toGo(looked);
  const [dropped] = letters.length === 0 ? [] : await dropLetters(work, letters);
  walk.passed(looked, limit);
  return dropped?.gone ?? 0;
}

export function openErasure({ work }: Connection): ErasureStore {
  const walk = new LetterSweep();
  return {
    async eraseHistory(afterId, limit) {
      const [erasing] = await next(work, afterId);
      if (erasing === undefined) return null;
      const { id, before } = erasing;
      const ordinals = (await ended(work, id, before, limit)).map(({ ordinal }) => ordinal);
      const [dropped] = ordinals.length === 0 ? [] : await dropDeliveries(work, ordinals);
      const [changes] = await eraseChanges(work, id, before, limit);
      const [end = END] = await firstBeyond(work, id, before, limit);
      const [reports] = await eraseReports(work, id, before, end.received_at, end.partition, end.generation, end.sequence);
      const waits = (await alone(work, id, before)).length === 0;
      const dead_letters = waits || walk.isSwept(erasing) ? 0 : await sweepLetters(work, { walk, erasing, limit });
      const swept = walk.isSwept(erasing);
      const finished = !waits && swept && (await finish(work, id, before)).length > 0;
      const rows = { reports: reports?.erased ?? 0, changes: changes?.erased ?? 0, deliveries: 0, attempts: 0, dead_letters, ...dropped };
      return { sensorId: id, rows, finished, goesOn: !waits && !swept };
    },
  };
}
