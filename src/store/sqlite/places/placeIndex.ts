import Database from "better-sqlite3";
import { switchToWal } from "../connection";
import { byTime, type IndexedPlace, type Place, type PlaceInTime, type Span } from "./place";

const BUSY_MS = 5000;
const CACHE_KIB = 32 * 1024;
const CHECKPOINT_PAGES = 8000;
/** Another layout than this is thrown away and made anew. */
const LAYOUT = 1;

const TABLES = `
  create table if not exists places (
    sensor_id text not null, received_at integer not null, partition integer not null, generation integer not null,
    sequence integer not null, report_id text,
    primary key (sensor_id, received_at, partition, generation, sequence)
  ) without rowid;
  create index if not exists places_by_report_id on places (sensor_id, report_id, received_at) where report_id is not null;
  create table if not exists folded (
    partition integer primary key, generation integer not null, sequence integer not null, received_at integer not null
  );`;

/** The file beside a database in which its reports are found by sensor and by id. */
export function placeIndexFile(databaseFile: string): string {
  return `${databaseFile}.places`;
}

/**
 * Finds reports by their sensor. Kept in a file of its own, because every report would dirty two random pages of it: reports go in
 * many at a time, sorted, behind the commits. All of it can be made anew from the log, so it need not be on the disk at once.
 */
export class PlaceIndex {
  readonly #client: Database.Database;
  readonly #knows: Database.Statement<[string, string, number], number | null>;
  readonly #up: Database.Statement<unknown[], PlaceInTime>;
  readonly #down: Database.Statement<unknown[], PlaceInTime>;
  readonly #readFolded: Database.Statement<[], PlaceInTime>;

  constructor(file: string) {
    this.#client = openClient(file);
    this.#prepareTables();
    this.#knows = this.#client
      .prepare<[string, string, number], number | null>(
        "select max(received_at) from places where sensor_id = ? and report_id = ? and received_at >= ? and report_id is not null",
      )
      .pluck();
    const fields = "received_at as receivedAt, partition, generation, sequence";
    const place = "(received_at, partition, generation, sequence)";
    const within = `from places where sensor_id = ? and ${place} > (?, ?, ?, ?) and ${place} < (?, ?, ?, ?)`;
    this.#up = this.#client.prepare(`select ${fields} ${within} order by received_at, partition, generation, sequence limit ?`);
    this.#down = this.#client.prepare(
      `select ${fields} ${within} order by received_at desc, partition desc, generation desc, sequence desc limit ?`,
    );
    this.#readFolded = this.#client.prepare("select partition, generation, sequence, received_at as receivedAt from folded");
  }

  /** When a report was last received under this id; null if not since `since`, as far as is folded. */
  known(sensorId: string, reportId: string, since: number): number | null {
    return this.#knows.get(sensorId, reportId, since) ?? null;
  }

  /** A sensor's places within a span, the first ones, as far as is folded. */
  placesOf(sensorId: string, { after, before, order }: Span, limit: number): PlaceInTime[] {
    return (order === "asc" ? this.#up : this.#down).all(sensorId, ...valuesOf(after), ...valuesOf(before), limit);
  }

  /** Whether it knows of a report at this very place. */
  holds({ sensorId, ...place }: PlaceInTime & { readonly sensorId: string }): boolean {
    const within = "sensor_id = ? and received_at = ? and partition = ? and generation = ? and sequence = ?";
    return this.#client.prepare(`select 1 from places where ${within}`).get(sensorId, ...valuesOf(place)) !== undefined;
  }

  /** For each partition the last place up to which all is in here, with the time that it was received at. */
  folded(): PlaceInTime[] {
    return this.#readFolded.all();
  }

  /** Puts in places of one partition that follow on what is folded, and says how far it is folded then; both or nothing. */
  fold(places: readonly IndexedPlace[]): void {
    const last = places.at(-1);
    if (last === undefined) return;
    const insert = this.#client.prepare<unknown[]>(
      "insert into places (sensor_id, received_at, partition, generation, sequence, report_id) values (?, ?, ?, ?, ?, ?) on conflict do nothing",
    );
    const move = this.#client.prepare<unknown[]>(
      `insert into folded (partition, generation, sequence, received_at) values (?, ?, ?, ?) on conflict (partition) do update set
         generation = excluded.generation, sequence = excluded.sequence, received_at = excluded.received_at`,
    );
    // In the index's own order each page is written once.
    const sorted = places.toSorted((a, b) => (a.sensorId === b.sensorId ? byTime(a, b) : a.sensorId < b.sensorId ? -1 : 1));
    this.#client.transaction(() => {
      for (const { sensorId, receivedAt, partition, generation, sequence, reportId } of sorted) {
        insert.run(sensorId, receivedAt, partition, generation, sequence, reportId);
      }
      move.run(last.partition, last.generation, last.sequence, last.receivedAt);
    })();
  }

  /** Takes out what was pruned from the log. */
  forget(places: readonly (PlaceInTime & { readonly sensorId: string })[]): void {
    const drop = this.#client.prepare<unknown[]>(
      "delete from places where sensor_id = ? and received_at = ? and partition = ? and generation = ? and sequence = ?",
    );
    this.#client.transaction(() => {
      for (const place of places) drop.run(place.sensorId, ...valuesOf(place));
    })();
  }

  /** Empties it: it does not belong to this log. */
  clear(): void {
    this.#client.transaction(() => {
      this.#client.exec("drop table if exists places; drop table if exists folded;");
      this.#client.exec(TABLES);
    })();
  }

  close(): void {
    this.#client.close();
  }

  #prepareTables(): void {
    const isLaidOut = () => this.#client.pragma("user_version", { simple: true }) === LAYOUT;
    if (isLaidOut()) return;
    const layOut = this.#client.transaction(() => {
      // Another process may have been first.
      if (isLaidOut()) return;
      this.clear();
      this.#client.pragma(`user_version = ${LAYOUT}`);
    });
    layOut.immediate();
  }
}

function openClient(file: string): Database.Database {
  const client = new Database(file, { timeout: BUSY_MS });
  try {
    switchToWal(client);
    client.pragma("synchronous = NORMAL");
    client.pragma(`cache_size = -${CACHE_KIB}`);
    client.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

function valuesOf({ receivedAt, partition, generation, sequence }: PlaceInTime): [number, number, number, number] {
  return [receivedAt, partition, generation, sequence];
}

/** The log, as far as the index needs it. */
export class PlaceSource {
  readonly #partitions: Database.Statement<[], number>;
  readonly #beyond: Database.Statement<[number, number, number, number], IndexedPlace>;
  readonly #lastUpTo: Database.Statement<[number, number, number], IndexedPlace>;
  readonly #cameTo: Database.Statement<[number, number, number], 1>;

  constructor(client: Database.Database) {
    this.#partitions = client.prepare<[], number>("select partition from partitions where role = 'ingest' order by partition").pluck();
    this.#beyond = client.prepare(
      `select sensor_id as sensorId, received_at as receivedAt, partition, generation, sequence,
         case when disposition = 'duplicate' then null else report_id end as reportId
       from reports where partition = ? and (generation, sequence) > (?, ?) order by generation, sequence limit ?`,
    );
    this.#lastUpTo = client.prepare(
      `select sensor_id as sensorId, received_at as receivedAt, partition, generation, sequence from reports
       where partition = ? and (generation, sequence) <= (?, ?) order by generation desc, sequence desc limit 1`,
    );
    this.#cameTo = client
      .prepare<[number, number, number], 1>(
        "select 1 from partitions where role = 'ingest' and partition = ? and (generation, cursor) >= (?, ?)",
      )
      .pluck();
  }

  partitions(): number[] {
    return this.#partitions.all();
  }

  /** Reports of a partition behind a place (null: from the first one on), in the order of the log. */
  beyond(partition: number, place: Place | null, limit: number): IndexedPlace[] {
    return this.#beyond.all(partition, place?.generation ?? -1, place?.sequence ?? -1, limit);
  }

  /** Whether what an index has folded up to here may be this log's: the last report that it has of it stands there, or none is left. */
  agrees({ partition, generation, sequence, receivedAt }: PlaceInTime, index: Pick<PlaceIndex, "holds">): boolean {
    const last = this.#lastUpTo.get(partition, generation, sequence);
    if (last?.generation === generation && last.sequence === sequence) return last.receivedAt === receivedAt;
    // What came after it is gone, with its sensor or by its age; a log that never came so far is another one.
    return this.#cameTo.get(partition, generation, sequence) !== undefined && (last === undefined || index.holds(last));
  }
}

/** Folds up to `rowsMax` of each partition's reports; gives whether there may be more. */
export function foldOnce(index: PlaceIndex, source: PlaceSource, rowsMax: number): boolean {
  const folded = new Map(index.folded().map((place) => [place.partition, place]));
  let more = false;
  for (const partition of source.partitions()) {
    const places = source.beyond(partition, folded.get(partition) ?? null, rowsMax);
    index.fold(places);
    more ||= places.length === rowsMax;
  }
  return more;
}
