import type { IngestStore } from "../store";
import { prepareCommitBatch } from "./commitBatch";
import type { Connection } from "./connection";
import { SENSOR_AND_STATE, type SensorAndStateRow, sensorAndStateOf } from "../sensorRows";
import { statement } from "./statement";
import { loadSeverities, STATUSES_VERSION } from "./statuses";

const DAY_MS = 24 * 3600 * 1000;

const load = statement<SensorAndStateRow>(
  "ingest.load",
  `select ${SENSOR_AND_STATE} from sensors s left join states t on t.sensor_id = s.id where s.id = any($1::text[])`,
);
const editedAfter = statement<SensorAndStateRow>(
  "ingest.editedAfter",
  // `offset 0`: for a plan that is kept, any number of edits may have come, and the states would be read from end to end.
  `select ${SENSOR_AND_STATE} from sensors s left join lateral (select * from states t where t.sensor_id = s.id offset 0) t on true
   where s.partition = $1 and s.registry_version > $2 order by s.registry_version`,
);
const readVersions = statement<{ registry_version: number; statuses_version: number }>(
  "ingest.versions",
  `select coalesce((select registry_version from partitions where role = 'ingest' and partition = $1), 0) as registry_version,
     ${STATUSES_VERSION} as statuses_version`,
);
// `received_at` is the stream's clock and the days go by the database's, which may be behind it: a day more is looked at. Days that no
// commit has reached are not.
const known = statement<{ received_at: number | null }>(
  "ingest.known",
  `select (
     select max(r.received_at) from reports r
     where r.sensor_id = k.sensor_id and r.report_id = k.report_id and r.disposition <> 'duplicate' and r.received_at >= $3::bigint
       and r.recorded_at >= $3::bigint - ${DAY_MS}
       and r.recorded_at <= (select max(p.recorded_at) from partitions p where p.role = 'ingest')) as received_at
   from unnest($1::text[], $2::text[]) with ordinality k (sensor_id, report_id, place) order by k.place`,
);
const due = statement<SensorAndStateRow>(
  "ingest.due",
  `select ${SENSOR_AND_STATE} from states t join sensors s on s.id = t.sensor_id
   where t.partition = $1 and t.check_at <= $2 order by t.check_at limit $3`,
);
const anyHeartbeat = statement<{ found: boolean }>(
  "ingest.anyHeartbeat",
  `select exists (
     select from sensors where partition = $1 and heartbeat_interval_seconds is not null and deleted_at is null) as found`,
);
const count = statement<{ living: number }>(
  "ingest.count",
  "select (select count(*) from sensors) - (select count(*) from sensors where deleted_at is not null) as living",
);

/** What is asked before a commit goes the way of the commit: nobody's long list holds it up, and its plans are made once. */
export function openIngest(connection: Connection): IngestStore {
  const { control, readAhead } = connection;
  return {
    async loadSensors(ids) {
      return ids.length === 0 ? [] : (await load(control, ids)).map(sensorAndStateOf);
    },

    sensorsEditedAfter: (partition, version) =>
      readAhead(async ({ client }) => {
        const [row] = (await readVersions(client, partition)) as [{ registry_version: number; statuses_version: number }];
        const sensors = (await editedAfter(client, partition, version)).map(sensorAndStateOf);
        return { registryVersion: row.registry_version, statusesVersion: row.statuses_version, sensors };
      }),

    loadSeverities: loadSeverities(connection),

    async knownReports(keys, since) {
      if (keys.length === 0) return [];
      const [sensorIds, reportIds] = [keys.map(({ sensorId }) => sensorId), keys.map(({ reportId }) => reportId)];
      return (await known(control, sensorIds, reportIds, since)).map(({ received_at }) => received_at);
    },

    async sensorsDue(partition, watermark, limit) {
      return (await due(control, partition, watermark, limit)).map(sensorAndStateOf);
    },

    hasHeartbeats: async (partition) => (await anyHeartbeat(control, partition))[0]?.found === true,

    countSensors: async () => (await count(control))[0]?.living ?? 0,

    commitBatch: prepareCommitBatch(connection),
  };
}
