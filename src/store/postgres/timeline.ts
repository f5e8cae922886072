import type { ChangeData } from "../../domain/change";
import type { TimelineStore } from "../store";
import type { Connection } from "./connection";
import { statement } from "./statement";

const from = statement<{ data: string }>(
  "timeline.from",
  `select data from changes where sensor_id = $1 and revision >= $2
     and recorded_at >= coalesce((select erase_before from sensors where id = $1), 0)
   order by revision limit $3`,
);

export function openTimeline({ work }: Connection): TimelineStore {
  return {
    changesFrom: async (sensorId, revision, limit) =>
      (await from(work, sensorId, revision, limit)).map(({ data }) => JSON.parse(data) as ChangeData),
  };
}
