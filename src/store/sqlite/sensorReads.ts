import { SENSOR_AND_STATE } from "../sensorRows";
import type { SensorReadStore } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";
import { type SensorAndStateText, sensorAndStateOfText } from "./sensorRows";

type Row = SensorAndStateText & { readonly generation: number; readonly cursor: number };

export function openSensorReads({ client, read }: Connection): Direct<SensorReadStore> {
  const find = client.prepare<[string], Row>(
    `select ${SENSOR_AND_STATE}, coalesce(p.generation, 1) as generation, coalesce(p.cursor, 0) as cursor from sensors s left join states t on t.sensor_id = s.id
     left join partitions p on p.role = 'ingest' and p.partition = s.partition where s.id = ?`,
  );
  return {
    sensorsAt: (ids) =>
      read(() => {
        const readAt = Date.now();
        const rows = ids.map((id) => find.get(id)).filter((row) => row !== undefined);
        return { readAt, sensors: rows.map((row) => ({ ...sensorAndStateOfText(row), place: placeOf(row) })) };
      }),
  };
}

function placeOf({ generation, cursor }: Row) {
  return { generation, cursor };
}
