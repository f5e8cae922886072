/** What a batch costs Postgres and nothing else: the service's own tables and indexes, one connection, one statement, and its arrays. */
import pg from "pg";
import { arrayText, numberOrNull, quoted } from "../../../src/store/postgres/arrays";
import { REPORTS } from "../stream";
import { type HandStore, type Rows, severityOf } from "./rows";

const COMMIT = `with
  moved as (
    update partitions set cursor = $1, cursor_time_ns = $2, change_number = $3 where role = 'ingest' and partition = 0),
  reported as (
    insert into reports (partition, generation, recorded_at, stream, sequence, sensor_id, report_id, status, value, message, at,
      received_at, disposition, change_number)
    select 0, 1, $4, '${REPORTS}', r.*
    from unnest($5::bigint[], $6::text[], $7::text[], $8::text[], $9::float8[], $10::text[], $11::bigint[], $12::bigint[], $13::text[],
      $14::bigint[]) r),
  changed as (
    insert into changes (partition, kind, number, sensor_id, revision, occurred_at, recorded_at, data)
    select 0, 'status', r.* from unnest($15::bigint[], $16::text[], $17::bigint[], $18::bigint[], $19::bigint[], $20::text[]) r),
  ticked as (
    update states s set last_reported_at = r.reported, last_received_at = r.received, at_max = r.at
    from unnest($21::text[], $22::bigint[], $23::bigint[], $24::bigint[]) r (id, reported, received, at) where s.sensor_id = r.id)
  insert into states (partition, availability, life, sensor_id, last_reported_at, last_received_at, at_max, revision, status, severity,
    since)
  select 0, 'online', 1, r.*
  from unnest($25::text[], $26::bigint[], $27::bigint[], $28::bigint[], $29::bigint[], $30::text[], $31::text[], $32::bigint[]) r
  on conflict (sensor_id) do update set last_reported_at = excluded.last_reported_at, last_received_at = excluded.last_received_at,
    at_max = excluded.at_max, revision = excluded.revision, status = excluded.status, severity = excluded.severity,
    since = excluded.since`;

type Columns = (string | number)[][];

/** `url` leads to a database whose tables are made. */
export async function openHandPostgres(url: string): Promise<HandStore> {
  const client = new pg.Client({ connectionString: url, options: "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off" });
  await client.connect();
  await client.query("insert into partitions (role, partition, epoch, owner) values ('ingest', 0, 1, 'bench')");
  return {
    async commit(fill) {
      const batch = new Batch();
      fill(batch);
      await client.query({ name: "commit", text: COMMIT, values: batch.values() });
    },
    close: () => client.end(),
  };
}

class Batch implements Rows {
  readonly #reports = columns(10);
  readonly #changes = columns(6);
  readonly #clocks = columns(4);
  readonly #states = columns(8);
  #cursor: readonly [number, string, number] = [0, "", 0];

  addReport({ sequence, sensorId, id, status, value, message, at, receivedAt, changeNumber }: Parameters<Rows["addReport"]>[0]): void {
    const disposition = changeNumber === null ? "unchanged" : "applied";
    const said = [sensorId, quoted(id), status, value, quoted(message), at, receivedAt];
    push(this.#reports, [sequence, ...said, disposition, numberOrNull(changeNumber)]);
  }

  addChange({ number, sensorId, revision, occurredAt, recordedAt, data }: Parameters<Rows["addChange"]>[0]): void {
    push(this.#changes, [number, sensorId, revision, occurredAt, recordedAt, quoted(data)]);
  }

  writeState(sensorId: string, last: Parameters<Rows["writeState"]>[1]): void {
    const { reportedAt, receivedAt, at, revision, status, since, moved } = last;
    if (moved) push(this.#states, [sensorId, reportedAt, receivedAt, at, revision, status, severityOf(status), since]);
    else push(this.#clocks, [sensorId, reportedAt, receivedAt, at]);
  }

  moveCursor(sequence: number, timeNs: string, changeNumber: number): void {
    this.#cursor = [sequence, timeNs, changeNumber];
  }

  values(): unknown[] {
    const arrays = [...this.#reports, ...this.#changes, ...this.#clocks, ...this.#states].map(arrayText);
    return [...this.#cursor, Date.now(), ...arrays];
  }
}

function columns(count: number): Columns {
  return Array.from({ length: count }, () => []);
}

function push(into: Columns, row: readonly (string | number)[]): void {
  for (let index = 0; index < row.length; index += 1) into[index]?.push(row[index] as string | number);
}
