import { SENSOR_AND_STATE, type SensorAndStateRow, sensorAndStateOf } from "../sensorRows";
import type { SensorReadStore } from "../store";
import type { Connection } from "./connection";
import { statement } from "./statement";

type Row = SensorAndStateRow & { readonly read_at: number; readonly generation: number; readonly cursor: number };

/**
 * One statement looks at one moment, which comes after `statement_timestamp()`. Every sensor has a row of its partition: who registered it
 * made it. The clock is told when nobody is found, too.
 */
const find = statement<Row | (Pick<Row, "read_at"> & { readonly id: null })>(
  "sensors.at",
  `select n.read_at, coalesce(p.generation, 1) as generation, coalesce(p.cursor, 0) as cursor, ${SENSOR_AND_STATE}
   from (select floor(extract(epoch from statement_timestamp()) * 1000)::bigint as read_at) n
   left join (sensors s left join partitions p on p.role = 'ingest' and p.partition = s.partition left join states t on t.sensor_id = s.id)
     on s.id = any($1::text[])`,
);

export function openSensorReads({ work }: Connection): SensorReadStore {
  return {
    async sensorsAt(ids) {
      const rows = await find(work, ids);
      const sensors = rows.filter((row) => row.id !== null);
      return {
        readAt: rows[0]?.read_at as number,
        sensors: sensors.map((row) => ({ ...sensorAndStateOf(row), place: { generation: row.generation, cursor: row.cursor } })),
      };
    },
  };
}
