/** A sensor's changes one after the other, for whoever adds them up. */
import type { ChangeData } from "../domain/change";

export interface TimelineStore {
  /** A sensor's changes from a revision on, in their order, as far as they are kept. */
  changesFrom(sensorId: string, revision: number, limit: number): Promise<ChangeData[]>;
}
