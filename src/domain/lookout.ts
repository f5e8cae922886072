import { type FilteredChange, refusingClause } from "./filter";
import { isWithin, type Reach } from "./reach";
import type { Filter } from "./webhook";

/** What somebody who looks at changes, in a list or a stream, wants and may see of them. */
export interface Lookout {
  readonly filter: Filter;
  /** Null for all sensors. */
  readonly reach: Reach | null;
}

export function seesEverything({ filter: { initial, ...clauses }, reach }: Lookout): boolean {
  return reach === null && initial === true && Object.keys(clauses).length === 0;
}

/** A reach by labels holds for those that the sensor had at the change. */
export function sees({ filter, reach }: Lookout, change: FilteredChange): boolean {
  return isWithin(reach, { id: change.sensorId, labels: change.sensor.labels }) && refusingClause(filter, change) === null;
}

/** The sensors outside of which nothing is seen; null where they cannot be named. */
export function sensorsSeen({ filter, reach }: Lookout): readonly string[] | null {
  if (reach !== null && "sensorId" in reach) return [reach.sensorId];
  return filter.sensorIds ?? null;
}
