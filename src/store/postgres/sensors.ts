import type { ClientBase } from "pg";
import { changesNothing, demandNew, demandPlace, demandVersion, notFound, recordOf, registration, replacement } from "../sensorEdits";
import type { SensorAndState, SensorDraft, SensorRecord, SensorStore } from "../store";
import type { Connection, Session } from "./connection";
import { eraseBefore } from "./erasure";
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
    createSensor: (draft, reach = null) =>
      write(async ({ client }) => {
        const registryVersion = await bumped(client, draft);
        const before = await find(client, draft.id);
        demandNew(draft.id, before, reach);
        return registered(client, draft, { before, registryVersion });
      }),

    async getSensor(id) {
      const found = await find(work, id);
      return found === null || found.deleted ? null : recordOf(found);
    },

    updateSensor: (draft, expectedVersion) =>
      write(async (session) => {
        const { found, registryVersion } = await held(session.client, draft.id);
        return replaced(session, draft, { before: demandVersion(draft.id, found, { expectedVersion, reach: null }), registryVersion });
      }),

    putSensor: (draft, wanted) =>
      write(async (session) => {
        const { client } = session;
        const registryVersion = await bumped(client, draft);
        const found = await find(client, draft.id);
        const before = demandPlace(draft.id, found, wanted);
        if (before === null) {
          return { record: await registered(client, draft, { before: found, registryVersion }), created: true, unchanged: false };
        }
        const record = await replaced(session, draft, { before, registryVersion });
        return { record, created: false, unchanged: record.sensor === before.sensor };
      }),

    deleteSensor: (id, expectedVersion, { history = "keep", reach = null } = {}) =>
      write(async ({ client }) => {
        const { found, registryVersion } = await held(client, id);
        const { sensor } = demandVersion(id, found, { expectedVersion, reach });
        await burySensor(client, id, { deletedAt: Date.now(), registryVersion, labels: sensor.labels });
        if (history === "delete") await eraseBefore(client, id);
      }),

    listSensors: prepareSensorList(connection),
  };
}

async function find(on: Connection["work"] | ClientBase, id: string): Promise<SensorAndState | null> {
  const [row] = await read(on, id);
  return row === undefined ? null : sensorAndStateOf(row);
}

/** The number of an edit that may be a registration. What is read afterwards stays as it is until the end of the transaction. */
async function bumped(client: ClientBase, { partition }: SensorDraft): Promise<number> {
  const [counted] = (await bump(client, partition)) as [{ registry_version: number }];
  return counted.registry_version;
}

/** A sensor that is there or was, and the number of its edit. Throws notFound. */
async function held(client: ClientBase, id: string): Promise<{ found: SensorAndState | null; registryVersion: number }> {
  const [counted] = await bumpOf(client, id);
  if (counted === undefined) throw notFound(id);
  // Read after the partition's row was locked: whatever was committed before is seen, and nothing comes between.
  return { found: await find(client, id), registryVersion: counted.registry_version };
}

interface Edit<Before> {
  readonly before: Before;
  readonly registryVersion: number;
}

async function registered(
  client: ClientBase,
  draft: SensorDraft,
  { before, registryVersion }: Edit<SensorAndState | null>,
): Promise<SensorRecord> {
  const sensor = registration(draft, before);
  await registerSensor(client, sensor, { partition: draft.partition, registryVersion });
  return recordOf({ sensor, state: before?.state ?? null });
}

async function replaced(session: Session, draft: SensorDraft, { before, registryVersion }: Edit<SensorAndState>): Promise<SensorRecord> {
  if (changesNothing(draft, before.sensor)) {
    session.takeBack();
    return recordOf(before);
  }
  const sensor = replacement(draft, before.sensor);
  await replaceSensor(session.client, sensor, { registryVersion, before: before.sensor.labels });
  return recordOf({ sensor, state: before.state });
}
