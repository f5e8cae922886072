/** The registry, as the API reads and edits it. */
import type { Heartbeat, Labels, Sensor } from "../domain/sensor";
import type { Availability, Severity } from "../domain/severity";
import type { State } from "../domain/state";
import type { Page, PageRequest } from "./pages";

export interface SensorDraft {
  readonly id: string;
  readonly partition: number;
  readonly name: string;
  readonly labels: Labels;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly heartbeat: Heartbeat | null;
}

export interface SensorRecord {
  readonly sensor: Sensor;
  /** In its present life. */
  readonly state: State;
}

export interface SensorQuery {
  readonly status?: string;
  readonly severity?: Severity;
  readonly availability?: Availability;
  readonly labels?: Labels;
  /** Text to find in id or name, whatever its case. */
  readonly q?: string;
}

export interface SensorStore {
  /** Throws conflict when a sensor of this id is registered. */
  createSensor(draft: SensorDraft): Promise<SensorRecord>;
  getSensor(id: string): Promise<SensorRecord | null>;
  /** Replaces what an operator may set. Throws notFound; preconditionFailed when `expectedVersion` is not the current one. */
  updateSensor(draft: SensorDraft, expectedVersion: number | null): Promise<SensorRecord>;
  /** Leaves a tombstone. Throws notFound, preconditionFailed. */
  deleteSensor(id: string, expectedVersion: number | null): Promise<void>;
  /** By the bytes of the id, ascending: capitals come before small letters. */
  listSensors(query: SensorQuery, page: PageRequest): Promise<Page<SensorRecord>>;
}
