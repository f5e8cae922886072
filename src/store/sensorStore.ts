/** The registry, as the API reads and edits it. */
import type { Reach } from "../domain/reach";
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

/** One value, or several of which any will do. */
export type AnyOf<Value> = Value | readonly Value[];

export interface SensorQuery {
  /** This one alone. */
  readonly id?: string;
  readonly status?: AnyOf<string>;
  readonly severity?: AnyOf<Severity>;
  readonly availability?: AnyOf<Availability>;
  readonly labels?: Labels;
  /** Text to find in id or name, whatever its case. */
  readonly q?: string;
}

/** What must be there for a sensor to be put in its place: nothing, any, one at this version; null for whatever is there. */
export type PutCondition = "absent" | "present" | number | null;

export interface SensorRemoval {
  /** `delete`: what was recorded of it so far is shown to nobody from now on, and `eraseHistory` takes it out. Left out, it is kept. */
  readonly history?: "keep" | "delete";
  /** What lies outside is not found. */
  readonly reach?: Reach | null;
}

export interface SensorPut {
  readonly record: SensorRecord;
  readonly created: boolean;
  readonly unchanged: boolean;
}

export interface SensorStore {
  /** Throws conflict when a sensor of this id is registered, or was and lies outside of the reach: what is kept of it would be shown anew. */
  createSensor(draft: SensorDraft, reach?: Reach | null): Promise<SensorRecord>;
  getSensor(id: string): Promise<SensorRecord | null>;
  /**
   * Replaces what an operator may set. One that is as it is to be is not edited, and given at the version that it has. Throws notFound;
   * preconditionFailed when `expectedVersion` is not the current one.
   */
  updateSensor(draft: SensorDraft, expectedVersion: number | null): Promise<SensorRecord>;
  /**
   * Registers it, or replaces what an operator may set; `unchanged` says that it is as it was to be, and that nothing was edited. Throws
   * preconditionFailed; notFound for one that is, or was, there outside of the reach.
   */
  putSensor(draft: SensorDraft, wanted: { readonly expected: PutCondition; readonly reach: Reach | null }): Promise<SensorPut>;
  /** Leaves a tombstone. Throws notFound, preconditionFailed. */
  deleteSensor(id: string, expectedVersion: number | null, removal?: SensorRemoval): Promise<void>;
  /** By the bytes of the id, ascending: capitals come before small letters. A page ends early where what they carry grows too large. */
  listSensors(query: SensorQuery, page: PageRequest): Promise<Page<SensorRecord>>;
}
