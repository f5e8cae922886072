import type { Labels, Sensor } from "../../domain/sensor";
import type { Connection } from "./connection";
import { searchTextOf } from "../searchText";

/** What a write into the registry needs to know beside the sensor. */
export interface Placement {
  readonly partition: number;
  readonly registryVersion: number;
}

export interface SensorWrites {
  /** Writes a sensor that is not there or a tombstone; false, and nothing written, when it is registered. */
  register(sensor: Sensor, placement: Placement): boolean;
  /** Overwrites a registered sensor; `before` are the labels that it had. */
  replace(sensor: Sensor, placement: Placement, before: Labels): void;
  bury(id: string, edit: { deletedAt: number; registryVersion: number; labels: Labels }): void;
}

/** The writes that keep `sensors` and `sensor_labels` in step; each belongs into a transaction. */
export function prepareSensorWrites(connection: Connection): SensorWrites {
  const { client } = connection;
  const insert = client.prepare<unknown[]>(
    `insert into sensors (id, partition, name, labels, metadata, heartbeat_interval_seconds, heartbeat_grace_seconds, version, life,
       registry_version, created_at, updated_at, search_text, deleted_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null)
     on conflict (id) do update set partition = excluded.partition, name = excluded.name, labels = excluded.labels,
       metadata = excluded.metadata, heartbeat_interval_seconds = excluded.heartbeat_interval_seconds,
       heartbeat_grace_seconds = excluded.heartbeat_grace_seconds, version = sensors.version + 1, life = excluded.life,
       registry_version = excluded.registry_version, created_at = excluded.created_at, updated_at = excluded.updated_at,
       search_text = excluded.search_text, deleted_at = null
     where sensors.deleted_at is not null`,
  );
  const update = client.prepare<unknown[]>(
    `update sensors set name = ?, labels = ?, metadata = ?, heartbeat_interval_seconds = ?, heartbeat_grace_seconds = ?, version = ?,
       registry_version = ?, updated_at = ?, search_text = ? where id = ?`,
  );
  const tombstone = client.prepare<[number, number, string]>("update sensors set deleted_at = ?, registry_version = ? where id = ?");
  const textOf = client.prepare<[string], string>("select search_text from sensors where id = ?").pluck();
  // Until it is in a group, whoever searches looks at it.
  const wait = client.prepare<[string]>("insert or ignore into search_waiting (sensor_id) values (?)");
  const { addLabels, dropLabels } = prepareLabels(connection);

  return {
    register(sensor, { partition, registryVersion }) {
      const { id, name, labels, version, life, createdAt, updatedAt } = sensor;
      const written = insert.run([
        id,
        partition,
        ...editable(sensor),
        version,
        life,
        registryVersion,
        createdAt,
        updatedAt,
        searchTextOf(id, name),
      ]);
      if (written.changes === 0) return false;
      wait.run(id);
      addLabels(id, labels);
      return true;
    },

    replace(sensor, { registryVersion }, before) {
      const { id, name, labels, version, updatedAt } = sensor;
      const text = searchTextOf(id, name);
      const renamed = textOf.get(id) !== text;
      update.run([...editable(sensor), version, registryVersion, updatedAt, text, id]);
      if (renamed) wait.run(id);
      dropLabels(id, before);
      addLabels(id, labels);
    },

    bury(id, { deletedAt, registryVersion, labels }) {
      tombstone.run(deletedAt, registryVersion, id);
      dropLabels(id, labels);
    },
  };
}

/** The columns that both statements begin with: name, labels, metadata, heartbeat. */
function editable({ name, labels, metadata, heartbeat }: Sensor): unknown[] {
  const heartbeatSeconds = [heartbeat?.intervalSeconds ?? null, heartbeat?.graceSeconds ?? null];
  return [name, JSON.stringify(labels), JSON.stringify(metadata), ...heartbeatSeconds];
}

function prepareLabels({ client }: Connection) {
  const addLabel = client.prepare<[string, string, string]>(
    "insert into sensor_labels (label_key, label_value, sensor_id) values (?, ?, ?)",
  );
  const dropLabel = client.prepare<[string, string, string]>(
    "delete from sensor_labels where label_key = ? and label_value = ? and sensor_id = ?",
  );

  function addLabels(id: string, labels: Labels): void {
    for (const key of Object.keys(labels)) addLabel.run(key, labels[key] as string, id);
  }

  function dropLabels(id: string, labels: Labels): void {
    for (const key of Object.keys(labels)) dropLabel.run(key, labels[key] as string, id);
  }

  return { addLabels, dropLabels };
}
