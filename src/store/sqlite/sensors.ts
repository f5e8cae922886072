import { Fault } from "../../domain/fault";
import type { Sensor } from "../../domain/sensor";
import { currentState } from "../../domain/state";
import type { SensorAndState, SensorDraft, SensorRecord, SensorStore } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";
import { prepareSensorList } from "./sensorList";
import { SENSOR_AND_STATE } from "../sensorRows";
import { type SensorAndStateText, sensorAndStateOfText } from "./sensorRows";
import { prepareSensorWrites } from "./sensorWrites";

export function openSensors(connection: Connection): Direct<SensorStore> {
  const { client, write } = connection;
  const writes = prepareSensorWrites(connection);
  const read = client.prepare<[string], SensorAndStateText & { partition: number }>(
    `select s.partition, ${SENSOR_AND_STATE} from sensors s left join states t on t.sensor_id = s.id where s.id = ?`,
  );
  const bump = prepareRegistryBump(connection);

  function find(id: string): (SensorAndState & { partition: number }) | null {
    const row = read.get(id);
    return row === undefined ? null : { ...sensorAndStateOfText(row), partition: row.partition };
  }

  /** The sensor that is to be edited. Throws notFound, preconditionFailed. */
  function registered(id: string, expectedVersion: number | null) {
    const found = find(id);
    if (found === null || found.deleted) throw notFound(id);
    const { version } = found.sensor;
    if (expectedVersion === null || expectedVersion === version) return found;
    throw new Fault("preconditionFailed", `Sensor ${id} is at version ${version}, not ${expectedVersion}.`);
  }

  return {
    createSensor(draft) {
      return write(() => {
        const before = find(draft.id);
        if (before !== null && !before.deleted) throw new Fault("conflict", `Sensor ${draft.id} is registered already.`);
        const now = Date.now();
        const life = before === null ? 1 : before.sensor.life + 1;
        const sensor = { ...edited(draft), version: 1, life, createdAt: now, updatedAt: now };
        writes.register(sensor, { partition: draft.partition, registryVersion: bump(draft.partition) });
        return recordOf({ sensor, state: before?.state ?? null });
      });
    },

    getSensor(id) {
      const found = find(id);
      return found === null || found.deleted ? null : recordOf(found);
    },

    updateSensor(draft, expectedVersion) {
      return write(() => {
        const { sensor: before, state, partition } = registered(draft.id, expectedVersion);
        const { version, life, createdAt } = before;
        const sensor = { ...edited(draft), version: version + 1, life, createdAt, updatedAt: Date.now() };
        writes.replace(sensor, { partition, registryVersion: bump(partition) }, before.labels);
        return recordOf({ sensor, state });
      });
    },

    deleteSensor(id, expectedVersion) {
      write(() => {
        const { sensor, partition } = registered(id, expectedVersion);
        writes.bury(id, { deletedAt: Date.now(), registryVersion: bump(partition), labels: sensor.labels });
      });
    },

    listSensors: prepareSensorList(connection),
  };
}

/** An edit and a batch that was decided without it must not both go in: the batch compares this number. Gives it, counted up. */
export function prepareRegistryBump({ client }: Connection): (partition: number) => number {
  const bump = client
    .prepare<[number], number>(
      `insert into partitions (role, partition, registry_version) values ('ingest', ?, 1)
       on conflict (role, partition) do update set registry_version = registry_version + 1 returning registry_version`,
    )
    .pluck();
  return (partition) => bump.get(partition) as number;
}

function edited({ id, name, labels, metadata, heartbeat }: SensorDraft): Pick<Sensor, "id" | "name" | "labels" | "metadata" | "heartbeat"> {
  return { id, name, labels, metadata, heartbeat };
}

function recordOf({ sensor, state }: Pick<SensorAndState, "sensor" | "state">): SensorRecord {
  return { sensor, state: currentState(state, sensor.life) };
}

function notFound(id: string): Fault {
  return new Fault("notFound", `There is no sensor ${id}.`);
}
