import type { Reach } from "../domain/reach";
import type { Sensor } from "../domain/sensor";
import type { SensorDraft } from "./sensorStore";

/** A set is written in one transaction, and reports of its partitions wait for it. */
export const UPSERT_SET_MAX = 500;

export type Upserted =
  /** `unchanged`: it is as it was to be, and that is no edit. */
  | { readonly kind: "created" | "replaced" | "unchanged"; readonly sensor: Sensor }
  /** One of this id is there outside of the reach. */
  | { readonly kind: "outOfReach" };

export interface UpsertStore {
  /**
   * Registers or replaces at most {@link UPSERT_SET_MAX} sensors, all or none, as if one came after the other; the outcomes stand in their
   * order. One edit of the registry for each partition in which anything changes.
   */
  upsertSensors(drafts: readonly SensorDraft[], reach: Reach | null): Promise<Upserted[]>;
}
