import type { ClientBase } from "pg";
import type { Labels, Sensor } from "../../domain/sensor";
import { searchTextOf } from "../searchText";
import { statement } from "./statement";

/** What a write into the registry needs to know beside the sensor. */
export interface Placement {
  readonly partition: number;
  readonly registryVersion: number;
}

/** The writes that keep `sensors` and `sensor_labels` in step, each in one statement; whoever writes holds the partition's row. */
const register = statement(
  "sensors.register",
  `with written as (
     insert into sensors as s (id, name, labels, metadata, heartbeat_interval_seconds, heartbeat_grace_seconds, version, life,
       registry_version, created_at, updated_at, search_text, partition, deleted_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, null)
     on conflict (id) do update set partition = excluded.partition, name = excluded.name, labels = excluded.labels,
       metadata = excluded.metadata, heartbeat_interval_seconds = excluded.heartbeat_interval_seconds,
       heartbeat_grace_seconds = excluded.heartbeat_grace_seconds, version = s.version + 1, life = excluded.life,
       registry_version = excluded.registry_version, created_at = excluded.created_at, updated_at = excluded.updated_at,
       search_text = excluded.search_text, deleted_at = null),
   waiting as (insert into search_waiting (sensor_id) values ($1))
   insert into sensor_labels (label_key, label_value, sensor_id) select key, value, $1 from unnest($14::text[], $15::text[]) l (key, value)`,
);

const replace = statement(
  "sensors.replace",
  `with waiting as (insert into search_waiting (sensor_id) select id from sensors where id = $1 and search_text <> $10),
   written as (
     update sensors set name = $2, labels = $3, metadata = $4, heartbeat_interval_seconds = $5, heartbeat_grace_seconds = $6,
       version = $7, registry_version = $8, updated_at = $9, search_text = $10 where id = $1),
   dropped as (
     delete from sensor_labels where sensor_id = $1 and (label_key, label_value) in (select * from unnest($11::text[], $12::text[])))
   insert into sensor_labels (label_key, label_value, sensor_id) select key, value, $1 from unnest($13::text[], $14::text[]) l (key, value)`,
);

const bury = statement(
  "sensors.bury",
  `with buried as (update sensors set deleted_at = $2, registry_version = $3 where id = $1)
   delete from sensor_labels where sensor_id = $1 and (label_key, label_value) in (select * from unnest($4::text[], $5::text[]))`,
);

/** Writes a sensor that is not there, or a tombstone. */
export async function registerSensor(client: ClientBase, sensor: Sensor, { partition, registryVersion }: Placement): Promise<void> {
  const { id, name, labels, version, life, createdAt, updatedAt } = sensor;
  const counts = [version, life, registryVersion, createdAt, updatedAt];
  await register(client, id, ...editable(sensor), ...counts, searchTextOf(id, name), partition, ...columnsOf(Object.entries(labels)));
}

/** Overwrites a registered sensor; `before` are the labels that it had. */
export async function replaceSensor(
  client: ClientBase,
  sensor: Sensor,
  { registryVersion, before }: { registryVersion: number; before: Labels },
): Promise<void> {
  const { id, name, labels, version, updatedAt } = sensor;
  // A statement does not see what it deletes itself: a label that stays is left alone.
  const dropped = Object.entries(before).filter(([key, value]) => labels[key] !== value);
  const added = Object.entries(labels).filter(([key, value]) => before[key] !== value);
  const edit = [...editable(sensor), version, registryVersion, updatedAt, searchTextOf(id, name)];
  await replace(client, id, ...edit, ...columnsOf(dropped), ...columnsOf(added));
}

export async function burySensor(
  client: ClientBase,
  id: string,
  { deletedAt, registryVersion, labels }: { deletedAt: number; registryVersion: number; labels: Labels },
): Promise<void> {
  await bury(client, id, deletedAt, registryVersion, ...columnsOf(Object.entries(labels)));
}

/** Name, labels, metadata, heartbeat. */
function editable({ name, labels, metadata, heartbeat }: Sensor): unknown[] {
  const heartbeatSeconds = [heartbeat?.intervalSeconds ?? null, heartbeat?.graceSeconds ?? null];
  return [name, JSON.stringify(labels), JSON.stringify(metadata), ...heartbeatSeconds];
}

function columnsOf(pairs: readonly (readonly [string, string])[]): [keys: string[], values: string[]] {
  return [pairs.map(([key]) => key), pairs.map(([, value]) => value)];
}
