import type { IngestStore, SensorAndState } from "../store";
import { prepareCommitBatch } from "./commitBatch";
import type { Connection } from "./connection";
import type { Direct } from "./faults";
import type { ReportPlaces } from "./places/reportPlaces";
import { SENSOR_AND_STATE } from "../sensorRows";
import { type SensorAndStateText, sensorAndStateOfText } from "./sensorRows";
import { prepareSeverities, prepareStatusesVersion } from "./statuses";

export function openIngest(connection: Connection, places: Pick<ReportPlaces, "add" | "known">): Direct<IngestStore> {
  const { client, read } = connection;
  const load = client.prepare<[string], SensorAndStateText>(
    `select ${SENSOR_AND_STATE} from sensors s left join states t on t.sensor_id = s.id where s.id = ?`,
  );
  const readVersion = client
    .prepare<[number], number>("select registry_version from partitions where role = 'ingest' and partition = ?")
    .pluck();
  const statusesVersion = prepareStatusesVersion(connection);
  const editedAfter = client.prepare<[number, number], SensorAndStateText>(
    `select ${SENSOR_AND_STATE} from sensors s left join states t on t.sensor_id = s.id
     where s.partition = ? and s.registry_version > ? order by s.registry_version`,
  );
  const due = client.prepare<[number, number, number], SensorAndStateText>(
    `select ${SENSOR_AND_STATE} from states t join sensors s on s.id = t.sensor_id
     where t.partition = ? and t.check_at <= ? order by t.check_at limit ?`,
  );
  const anyHeartbeat = client
    .prepare<[number], 1>(
      "select 1 from sensors where partition = ? and heartbeat_interval_seconds is not null and deleted_at is null limit 1",
    )
    .pluck();
  const countAll = client.prepare<[], number>("select count(*) from sensors").pluck();
  const countDeleted = client.prepare<[], number>("select count(*) from sensors where deleted_at is not null").pluck();

  return {
    loadSensors(ids) {
      return read(() => {
        const found: SensorAndState[] = [];
        for (const id of ids) {
          const row = load.get(id);
          if (row !== undefined) found.push(sensorAndStateOfText(row));
        }
        return found;
      });
    },

    sensorsEditedAfter(partition, version) {
      return read(() => ({
        registryVersion: readVersion.get(partition) ?? 0,
        statusesVersion: statusesVersion(),
        sensors: editedAfter.all(partition, version).map(sensorAndStateOfText),
      }));
    },

    loadSeverities: prepareSeverities(connection),

    knownReports: (keys, since) => places.known(keys, since),

    sensorsDue: (partition, watermark, limit) => due.all(partition, watermark, limit).map(sensorAndStateOfText),

    hasHeartbeats: (partition) => anyHeartbeat.get(partition) !== undefined,

    countSensors: () => read(() => (countAll.get() as number) - (countDeleted.get() as number)),

    commitBatch: prepareCommitBatch(connection, places),
  };
}
