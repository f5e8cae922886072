/** Sensors as whoever remembers them must read them: with the place in the log at which they are true. */
import type { PartitionPosition, SensorAndState } from "./store";

/** Orders everything that was ever written of a partition's states: by the generation first. */
export type LogPlace = Pick<PartitionPosition, "generation" | "cursor">;

export interface SensorAt extends SensorAndState {
  /** How far the log of its partition was taken in: the state holds everything up to there, and nothing from beyond. */
  readonly place: LogPlace;
}

export interface SensorsAt {
  /** By the database's clock, and not later than the look itself: whatever was committed by then was seen. */
  readonly readAt: number;
  /** In no order; those that nobody ever registered are left out, tombstones are not. */
  readonly sensors: readonly SensorAt[];
}

export interface SensorReadStore {
  /** All of it true at one moment. */
  sensorsAt(ids: readonly string[]): Promise<SensorsAt>;
}
