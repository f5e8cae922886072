import { changesNothing, demandNew, demandPlace, demandVersion, recordOf, registration, replacement } from "../sensorEdits";
import { SENSOR_AND_STATE } from "../sensorRows";
import type { SensorAndState, SensorDraft, SensorRecord, SensorStore } from "../store";
import type { Connection } from "./connection";
import { prepareEraseBefore } from "./erasure";
import type { Direct } from "./faults";
import { prepareSensorList } from "./sensorList";
import { type SensorAndStateText, sensorAndStateOfText } from "./sensorRows";
import { prepareSensorWrites } from "./sensorWrites";

interface Found extends SensorAndState {
  readonly partition: number;
}

export function openSensors(connection: Connection): Direct<SensorStore> {
  const { write } = connection;
  const { find, bump } = prepareLookUp(connection);
  const writes = prepareSensorWrites(connection);
  const eraseBefore = prepareEraseBefore(connection);
  function register(draft: SensorDraft, before: Found | null): SensorRecord {
    const sensor = registration(draft, before);
    writes.register(sensor, { partition: draft.partition, registryVersion: bump(draft.partition) });
    return recordOf({ sensor, state: before?.state ?? null });
  }

  function replace(draft: SensorDraft, { sensor: before, state, partition }: Found): SensorRecord {
    if (changesNothing(draft, before)) return recordOf({ sensor: before, state });
    const sensor = replacement(draft, before);
    writes.replace(sensor, { partition, registryVersion: bump(partition) }, before.labels);
    return recordOf({ sensor, state });
  }

  return {
    createSensor(draft, reach = null) {
      return write(() => {
        const before = find(draft.id);
        demandNew(draft.id, before, reach);
        return register(draft, before);
      });
    },

    getSensor(id) {
      const found = find(id);
      return found === null || found.deleted ? null : recordOf(found);
    },

    updateSensor(draft, expectedVersion) {
      return write(() => replace(draft, demandVersion(draft.id, find(draft.id), { expectedVersion, reach: null })));
    },

    putSensor(draft, wanted) {
      return write(() => {
        const found = find(draft.id);
        const before = demandPlace(draft.id, found, wanted);
        if (before === null) return { record: register(draft, found), created: true, unchanged: false };
        const record = replace(draft, before);
        return { record, created: false, unchanged: record.sensor === before.sensor };
      });
    },

    deleteSensor(id, expectedVersion, { history = "keep", reach = null } = {}) {
      write(() => {
        const { sensor, partition } = demandVersion(id, find(id), { expectedVersion, reach });
        writes.bury(id, { deletedAt: Date.now(), registryVersion: bump(partition), labels: sensor.labels });
        if (history === "delete") eraseBefore(id, partition);
      });
    },

    listSensors: prepareSensorList(connection),
  };
}

function prepareLookUp(connection: Connection) {
  const read = connection.client.prepare<[string], SensorAndStateText & { partition: number }>(
    `select s.partition, ${SENSOR_AND_STATE} from sensors s left join states t on t.sensor_id = s.id where s.id = ?`,
  );
  const bump = prepareRegistryBump(connection);

  function find(id: string): Found | null {
    const row = read.get(id);
    return row === undefined ? null : { ...sensorAndStateOfText(row), partition: row.partition };
  }

  return { find, bump };
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
