/** Tables as a long life of the service would have filled them. */
import { SETTINGS_DEFAULT } from "../../src/domain/webhook";
import type { BenchDatabase } from "./database";

export const PARTITIONS = 16;
export const WEBHOOKS = 5;
const AN_HOUR_MS = 3600_000;
const DAY_MS = 24 * AN_HOUR_MS;

/** Of a log's rows. */
const SHARES = { reports: 0.5, changes: 0.2, deliveries: 0.145, attempts: 0.145, deadLetters: 0.01 };
/** Rows of each kind that every sensor of the log has, however long the log is: a page of them costs the same. */
const OF_A_SENSOR = { reports: 100, changes: 40, deliveries: 30 };
const PENDING_SHARE = 0.01;

/** Sensors `sensor-0` … that are known and `ok`, all in one partition. */
export async function fillSensors({ dialect, execute }: BenchDatabase, count: number): Promise<void> {
  const heard = Date.now() - AN_HOUR_MS;
  const id = "'sensor-' || n";
  await execute(
    `insert into sensors (id, partition, name, labels, metadata, version, life, registry_version, created_at, updated_at, search_text)
     select ${id}, 0, ${id}, ${dialect.json("'{}'")}, ${dialect.json("'{}'")}, 1, 1, 0, ${heard}, ${heard}, ${id} from ${dialect.series(count)}`,
  );
  await execute(
    `insert into states (sensor_id, partition, status, severity, availability, since, last_reported_at, last_received_at, at_max, revision, life)
     select ${id}, 0, 'ok', 'ok', 'online', ${heard}, ${heard}, ${heard}, ${heard}, 1, 1 from ${dialect.series(count)}`,
  );
  for (const statement of dialect.settle) await execute(statement);
}

/** How many sensors stand in every part of a log of so many rows; a multiple of P. */
export function sensorsInLog(rows: number): number {
  return Math.min(...(["reports", "changes", "deliveries"] as const).map((kind) => sensorsOf(rows, kind)));
}

function sensorsOf(rows: number, kind: keyof typeof OF_A_SENSOR): number {
  return Math.max(1, Math.floor((rows * SHARES[kind]) / OF_A_SENSOR[kind] / PARTITIONS)) * PARTITIONS;
}

/** Registered sensors with labels and states of every sort, over all partitions. */
export async function fillRegistry({ dialect, execute }: BenchDatabase, count: number): Promise<void> {
  const heard = Date.now() - AN_HOUR_MS;
  const id = "'sensor-' || n";
  const labels = dialect.json(`case when n % 10 = 0 then '{"site":"north"}' else '{}' end`);
  await execute(
    `insert into sensors (id, partition, name, labels, metadata, version, life, registry_version, created_at, updated_at, search_text)
     select ${id}, n % ${PARTITIONS}, ${id}, ${labels}, ${dialect.json("'{}'")}, 1, 1, 0, ${heard}, ${heard}, ${id} from ${dialect.series(count)}`,
  );
  await execute(
    `insert into sensor_labels (label_key, label_value, sensor_id) select 'site', 'north', ${id} from ${dialect.series(count)} where n % 10 = 0`,
  );
  await execute(
    `insert into states (sensor_id, partition, status, severity, availability, since, last_reported_at, last_received_at, at_max, revision, life)
     select ${id}, n % ${PARTITIONS}, case when n % 20 = 0 then 'overheated' else 'ok' end,
       case when n % 20 = 0 then 'critical' else 'ok' end, case when n % 50 = 0 then 'offline' else 'online' end,
       ${heard}, ${heard}, ${heard}, ${heard}, 1, 1
     from ${dialect.series(count)}`,
  );
}

/** A log of so many rows: reports, changes, deliveries with their attempts, dead letters. */
export async function fillLog(database: BenchDatabase, rows: number): Promise<void> {
  const count = (kind: keyof typeof SHARES) => Math.round(rows * SHARES[kind]);
  // All of today, for which there is room.
  const begins = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const time = (of: number) => `${begins} + n * ${Math.max(1, Math.floor((Date.now() - begins) / of))}`;
  await fillReports(database, { count: count("reports"), sensors: sensorsOf(rows, "reports"), time });
  await fillChanges(database, { count: count("changes"), sensors: sensorsOf(rows, "changes"), time });
  await fillDeliveries(database, { count: count("deliveries"), sensors: sensorsOf(rows, "deliveries"), time });
  await fillDeadLetters(database, count("deadLetters"), begins);
}

interface Rows {
  readonly count: number;
  readonly sensors: number;
  readonly time: (of: number) => string;
}

async function fillReports({ dialect, execute }: BenchDatabase, { count, sensors, time }: Rows): Promise<void> {
  const at = time(count);
  await execute(
    `insert into reports (partition, generation, sequence, sensor_id, report_id, status, severity, value, message, at, received_at, recorded_at,
       disposition, stream)
     select n % ${PARTITIONS}, 1, n + 1, 'sensor-' || (n % ${sensors}), 'm-' || n, 'ok', 'ok', 20.5,
       'as it was before, and as it should be', ${at}, ${at}, ${at}, 'unchanged', 'REPORTS_${PARTITIONS}_' || (n % ${PARTITIONS})
     from ${dialect.series(count)}`,
  );
}

async function fillChanges({ dialect, execute }: BenchDatabase, { count, sensors, time }: Rows): Promise<void> {
  const at = time(count);
  const axes = (status: string, severity: string) => `{"status":"${status}","severity":"${severity}","availability":"online"}`;
  const data = `'{"changeId":"chg_' || (n % ${PARTITIONS}) || '_' || (n / ${PARTITIONS} + 1) || '","sensorId":"sensor-' || (n % ${sensors})
    || '","sensor":{"name":"a sensor","labels":{}},"revision":' || (n / ${sensors} + 1) || ',"kind":"status","from":${axes("ok", "ok")},"to":'
    || '${axes("overheated", "critical")},"cause":"report","occurredAt":"2026-11-26T10:00:00.000Z","detectedAt":"2026-11-26T10:00:00.000Z",'
    || '"previousDurationMs":60000,"report":{"value":20.5,"message":"as it was before, and as it should be","attributes":null}}'`;
  await execute(
    `insert into changes (partition, number, sensor_id, revision, kind, occurred_at, recorded_at, data)
     select n % ${PARTITIONS}, n / ${PARTITIONS} + 1, 'sensor-' || (n % ${sensors}), n / ${sensors} + 1, 'status', ${at}, ${at}, ${data}
     from ${dialect.series(count)}`,
  );
  const last = Math.floor(count / PARTITIONS);
  await execute(
    `insert into partitions (role, partition, change_number, published, recorded_at)
     select role, n, ${last}, ${last}, ${Date.now()} from ${dialect.series(PARTITIONS)}, (select 'ingest' as role union all select 'notify') r`,
  );
}

/** The last ones wait, each at the head of its lane; all others were delivered at the first attempt. */
async function fillDeliveries({ dialect, execute }: BenchDatabase, { count, sensors, time }: Rows): Promise<void> {
  const at = time(count);
  const id = `'wh-' || (n % ${WEBHOOKS}) || '_' || (n % ${PARTITIONS}) || '_' || (n / ${PARTITIONS} + 1)`;
  const waits = `n >= ${Math.floor(count * (1 - PENDING_SHARE))}`;
  await execute(
    `insert into webhooks (id, url, filter, state, description, concurrency, settings, credentials, version, created_at, updated_at)
     select 'wh-' || n, 'https://receiver.example/', ${dialect.json("'{}'")}, 'active', '', 8, ${dialect.json(`'${JSON.stringify(SETTINGS_DEFAULT)}'`)}, '', 1, 0, 0
     from ${dialect.series(WEBHOOKS)}`,
  );
  await execute(
    `insert into deliveries (id, webhook_id, partition, number, sensor_id, revision, state, planned_at, owed_since, next_attempt_at, ended_at)
     select ${id}, 'wh-' || (n % ${WEBHOOKS}), n % ${PARTITIONS}, n / ${PARTITIONS} + 1, 'sensor-' || (n % ${sensors}), n / ${sensors} + 1,
       case when ${waits} then 'pending' else 'delivered' end, ${at}, ${at}, case when ${waits} then ${at} end,
       case when ${waits} then null else ${at} end
     from ${dialect.series(count)}`,
  );
  await execute(
    `insert into attempts (delivery_id, number, at, duration_ms, status_code) select ${id}, 1, ${at}, 12, 204 from ${dialect.series(count)}`,
  );
}

async function fillDeadLetters({ dialect, execute }: BenchDatabase, count: number, begins: number): Promise<void> {
  await execute(
    `insert into dead_letters (id, stream, sequence, subject, received_at, recorded_at, reason, payload)
     select 'dl_REPORTS_${PARTITIONS}_0_' || n, 'REPORTS_${PARTITIONS}_0', n + 1, 'reports.${PARTITIONS}.0.sensor-1', ${begins} + n, ${begins} + n,
       'the payload is neither a JSON report nor a status code', ${dialect.bytes(200)}
     from ${dialect.series(count)}`,
  );
}
