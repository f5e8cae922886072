import {
  type Heartbeat,
  type Labels,
  LABEL_VALUE_CHARS_MAX,
  LABELS_MAX,
  METADATA_BYTES_MAX,
  type Sensor,
  SENSOR_NAME_CHARS_MAX,
} from "../domain/sensor";
import type { Availability, Severity } from "../domain/severity";
import type { State } from "../domain/state";
import type { RowSize } from "./largePages";
import type { SensorAndState } from "./store";

/** The columns of a sensor and what was last written of its state, for statements written by hand: `sensors` is `s`, `states` is `t`. */
export const SENSOR_AND_STATE = `
  s.id, s.name, s.labels, s.metadata, s.heartbeat_interval_seconds, s.heartbeat_grace_seconds, s.version, s.life, s.created_at,
  s.updated_at, s.deleted_at, t.status, t.severity, t.availability, t.since, t.last_reported_at, t.last_received_at, t.at_max,
  t.revision, t.check_at, t.life as state_life`;

/** A row of {@link SENSOR_AND_STATE}. */
export interface SensorAndStateRow {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  readonly metadata: Sensor["metadata"];
  readonly heartbeat_interval_seconds: number | null;
  readonly heartbeat_grace_seconds: number | null;
  readonly version: number;
  readonly life: number;
  readonly created_at: number;
  readonly updated_at: number;
  readonly deleted_at: number | null;
  readonly status: string | null;
  readonly severity: Severity | null;
  /** Null when no state was ever written. */
  readonly availability: Availability | null;
  readonly since: number | null;
  readonly last_reported_at: number | null;
  readonly last_received_at: number | null;
  readonly at_max: number | null;
  readonly revision: number;
  readonly check_at: number | null;
  readonly state_life: number;
}

const LABEL_CHARS_MAX = 64 + LABEL_VALUE_CHARS_MAX;

/** In a list. */
export const SENSOR_SIZE: RowSize<Pick<SensorAndState, "sensor">> = {
  bytesOf: ({ sensor: { name, labels, metadata } }) => Buffer.byteLength(JSON.stringify([name, labels, metadata])),
  bytesMax: SENSOR_NAME_CHARS_MAX + LABELS_MAX * LABEL_CHARS_MAX + METADATA_BYTES_MAX,
};

export function sensorAndStateOf(row: SensorAndStateRow): SensorAndState {
  const sensor: Sensor = {
    id: row.id,
    name: row.name,
    labels: row.labels,
    metadata: row.metadata,
    heartbeat: heartbeatOf(row.heartbeat_interval_seconds, row.heartbeat_grace_seconds),
    version: row.version,
    life: row.life,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
  return { sensor, deleted: row.deleted_at !== null, deletedAt: row.deleted_at, state: writtenState(row) };
}

function writtenState(row: SensorAndStateRow): State | null {
  if (row.availability === null) return null;
  return {
    status: row.status,
    severity: row.severity,
    availability: row.availability,
    since: row.since,
    lastReportedAt: row.last_reported_at,
    lastReceivedAt: row.last_received_at,
    atMax: row.at_max,
    revision: row.revision,
    checkAt: row.check_at,
    life: row.state_life,
  };
}

export function heartbeatOf(intervalSeconds: number | null, graceSeconds: number | null): Heartbeat | null {
  return intervalSeconds === null ? null : { intervalSeconds, graceSeconds: graceSeconds ?? 0 };
}
