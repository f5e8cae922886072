import type { InferSelectModel } from "drizzle-orm";
import type { Sensor } from "../../domain/sensor";
import type { State } from "../../domain/state";
import { heartbeatOf, type SensorAndStateRow, sensorAndStateOf } from "../sensorRows";
import type { SensorAndState } from "../store";
import type { sensors, states } from "./schema/sensors";

type SensorRow = InferSelectModel<typeof sensors>;
type StateRow = InferSelectModel<typeof states>;

export function sensorOf(row: SensorRow): Sensor {
  const { id, name, labels, metadata, version, life, createdAt, updatedAt } = row;
  const heartbeat = heartbeatOf(row.heartbeatIntervalSeconds, row.heartbeatGraceSeconds);
  return { id, name, labels, metadata, heartbeat, version, life, createdAt, updatedAt };
}

export function stateOf(row: StateRow): State {
  const { status, severity, availability, since, lastReportedAt, lastReceivedAt, atMax, revision, checkAt, life } = row;
  return { status, severity, availability, since, lastReportedAt, lastReceivedAt, atMax, revision, checkAt, life };
}

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
