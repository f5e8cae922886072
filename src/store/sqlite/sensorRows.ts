import { type SensorAndStateRow, sensorAndStateOf } from "../sensorRows";
import type { SensorAndState } from "../store";

/** A row of {@link SENSOR_AND_STATE} as SQLite gives it. */
export interface SensorAndStateText extends Omit<SensorAndStateRow, "labels" | "metadata"> {
  readonly labels: string;
  readonly metadata: string;
}

export function sensorAndStateOfText(row: SensorAndStateText): SensorAndState {
  const labels = JSON.parse(row.labels) as SensorAndStateRow["labels"];
  const metadata = JSON.parse(row.metadata) as SensorAndStateRow["metadata"];
  return sensorAndStateOf({ ...row, labels, metadata });
}
