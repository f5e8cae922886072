import type { ChangeData } from "../../domain/change";
import type { TimelineStore } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";

export function openTimeline({ client }: Connection): Direct<TimelineStore> {
  const from = client
    .prepare<[string, number, string, number], string>(
      `select data from changes where sensor_id = ? and revision >= ?
         and recorded_at >= coalesce((select erase_before from sensors where id = ?), 0)
       order by revision limit ?`,
    )
    .pluck();
  return {
    changesFrom: (sensorId, revision, limit) => from.all(sensorId, revision, sensorId, limit).map((data) => JSON.parse(data) as ChangeData),
  };
}
