/** Case-sensitive; one NATS token, one MQTT level and one URL segment without escaping. */
export const SENSOR_ID_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_:-]{0,127}$";
const SENSOR_ID = new RegExp(SENSOR_ID_PATTERN);

export function isSensorId(text: string): boolean {
  return SENSOR_ID.test(text);
}

/** Interval + grace is at least 5 s: below that a broker's own pause would look like a silent sensor. */
export const HEARTBEAT_SECONDS_MIN = 5;
export const HEARTBEAT_SECONDS_MAX = 31 * 24 * 3600;
export const SENSOR_NAME_CHARS_MAX = 256;
export const LABELS_MAX = 64;
export const LABEL_KEY_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$";
export const LABEL_VALUE_CHARS_MAX = 256;
export const METADATA_BYTES_MAX = 16 * 1024;

export interface Heartbeat {
  readonly intervalSeconds: number;
  readonly graceSeconds: number;
}

export type Labels = Readonly<Record<string, string>>;

/** What the registry keeps of a sensor. All times are epoch milliseconds. */
export interface Sensor {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly heartbeat: Heartbeat | null;
  /** Counts edits, from 1, on through all lives: the same version never means another sensor. */
  readonly version: number;
  /** Counts registrations under this id, from 1: a state that was written in an earlier life keeps only its revision. */
  readonly life: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** How long a sensor may be silent, in milliseconds. */
export function heartbeatMs(heartbeat: Heartbeat): number {
  return (heartbeat.intervalSeconds + heartbeat.graceSeconds) * 1000;
}

/** FNV-1a, 32 bit, over the UTF-8 bytes; the same number that nats-server's `partition()` computes (server/subject_transform.go). */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) {
    hash ^= byte;
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return hash;
}

/** The partition of a sensor among `partitions`, from 0. */
export function partitionOf(sensorId: string, partitions: number): number {
  return partitions === 1 ? 0 : fnv1a32(sensorId) % partitions;
}

/** Ids that the service itself publishes under; none of them can be a sensor's. */
export const PROBE_ID = "$probe";
export const TICK_ID = "$tick";
