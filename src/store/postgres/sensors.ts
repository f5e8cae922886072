import type { ClientBase } from "pg";
import { Fault } from "../../domain/fault";
import type { Sensor } from "../../domain/sensor";
import { currentState } from "../../domain/state";
import type { SensorAndState, SensorDraft, SensorRecord, SensorStore } from "../store";
import type { Connection } from "./connection";
import { prepareSensorList } from "./sensorList";
import { SENSOR_AND_STATE, type SensorAndStateRow, sensorAndStateOf } from "../sensorRows";
import { burySensor, registerSensor, replaceSensor } from "./sensorWrites";
import { statement } from "./statement";

const read = statement<SensorAndStateRow>(
  "sensors.read",
  `select ${SENSOR_AND_STATE} from sensors s left join states t on t.sensor_id = s.id where s.id = $1`,
);

/**
 * An edit and a batch that was decided without it must not both go in: the batch compares this number. Whoever counted it up holds the
 * partition's row until the end of the transaction, and nobody else edits or registers sensors of the partition meanwhile.
 */
const bump = statement<{ registry_version: number }>(
  "sensors.bump",
  `insert into partitions as p (role, partition, registry_version) values ('ingest', $1, 1)
   on conflict (role, partition) do update set registry_version = p.registry_version + 1 returning registry_version`,
);

/** The same for the partition of a sensor that is there. */
const bumpOf = statement<{ registry_version: number }>(
  "sensors.bumpOf",
  `insert into partitions as p (role, partition, registry_version) select 'ingest', partition, 1 from sensors where id = $1
   on conflict (role, partition) do update set registry_version = p.registry_version + 1 returning registry_version`,
);

export function openSensors(connection: Connection): SensorStore {
  const { work, write } = connection;

  return {
    createSensor: (draft) =>
      write(async ({ client }) => {
        const [counted] = await bump(client, draft.partition);
        const before = await find(client, draft.id);
        if (before !== null && !before.deleted) throw new Fault("conflict", `Sensor ${draft.id} is registered already.`);
        const now = Date.now();
        const life = before === null ? 1 : before.sensor.life + 1;
        const sensor = { ...edited(draft), version: 1, life, createdAt: now, updatedAt: now };
        await registerSensor(client, sensor, { partition: draft.partition, registryVersion: counted?.registry_version as number });
        return recordOf({ sensor, state: before?.state ?? null });
      }),

    async getSensor(id) {
      const found = await find(work, id);
      return found === null || found.deleted ? null : recordOf(found);
    },

    updateSensor: (draft, expectedVersion) =>
      write(async ({ client }) => {
        const { found, registryVersion } = await registered(client, draft.id, expectedVersion);
        const { sensor: before, state } = found;
        const { version, life, createdAt } = before;
        const sensor = { ...edited(draft), version: version + 1, life, createdAt, updatedAt: Date.now() };
        await replaceSensor(client, sensor, { registryVersion, before: before.labels });
        return recordOf({ sensor, state });
      }),

    deleteSensor: (id, expectedVersion) =>
      write(async ({ client }) => {
        const { found, registryVersion } = await registered(client, id, expectedVersion);
        await burySensor(client, id, { deletedAt: Date.now(), registryVersion, labels: found.sensor.labels });
      }),

    listSensors: prepareSensorList(connection),
  };
}

async function find(on: Connection["work"] | ClientBase, id: string): Promise<SensorAndState | null> {
  const [row] = await read(on, id);
  return row === undefined ? null : sensorAndStateOf(row);
}

/** The sensor that is to be edited, and the number of the edit. Throws notFound, preconditionFailed. */
async function registered(client: ClientBase, id: string, expectedVersion: number | null) {
  const [counted] = await bumpOf(client, id);
  // Read after the partition's row was locked: whatever was committed before is seen, and nothing comes between.
  const found = counted === undefined ? null : await find(client, id);
  if (counted === undefined || found === null || found.deleted) throw new Fault("notFound", `There is no sensor ${id}.`);
  const { version } = found.sensor;
  if (expectedVersion === null || expectedVersion === version) return { found, registryVersion: counted.registry_version };
  throw new Fault("preconditionFailed", `Sensor ${id} is at version ${version}, not ${expectedVersion}.`);
}

function edited({ id, name, labels, metadata, heartbeat }: SensorDraft): Pick<Sensor, "id" | "name" | "labels" | "metadata" | "heartbeat"> {
  return { id, name, labels, metadata, heartbeat };
}

function recordOf({ sensor, state }: Pick<SensorAndState, "sensor" | "state">): SensorRecord {
  return { sensor, state: currentState(state, sensor.life) };
}
