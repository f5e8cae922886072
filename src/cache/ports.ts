/** What stands between whoever asks for a sensor and the database. */
import type { BatchPart, SensorRecord } from "../store/store";

/** A sensor as it is; null when there is none. At once where it is at hand. The same object for as long as nothing of it moved. */
export type ReadSensor = (id: string) => SensorRecord | null | Promise<SensorRecord | null>;

export interface SensorCache {
  readonly read: ReadSensor;
  /** Sensors were edited. Resolves when nobody, on whatever node, can believe any more what they were before. */
  edited(ids: readonly string[]): Promise<void> | void;
  /** Another node edited sensors. */
  heardOfEdits(ids: readonly string[]): void;
  /** From now on `tell` is called with what is edited here, for the other nodes. */
  share(tell: (ids: readonly string[]) => void): void;
  /** An edit or a batch came to an end that nobody knows. */
  doubtful(ids: readonly string[]): void;
  /** A batch is in, by this node. Without `vouched`, nobody knows since when. Never throws, never waits. */
  committed(part: BatchPart, vouched: Vouched | null): void;
  stop(): Promise<void>;
}

/** When something was true by the database's clock, and when, on this node's monotonic clock, the database had not yet been asked. */
export interface Vouched {
  readonly at: number;
  readonly askedAt: number;
}
