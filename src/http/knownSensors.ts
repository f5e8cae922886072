import { Fault } from "../domain/fault";
import { isWithin, type Reach } from "../domain/reach";
import type { IngestStore, SensorAndState } from "../store/store";

export type KnownSensors = Pick<IngestStore, "loadSensors">;

/** Throws `notFound` for a sensor that never was, or that lies out of reach. A deleted one has a history still, and the labels that it had. */
export async function demandKnown(store: KnownSensors, id: string, reach: Reach | null): Promise<SensorAndState> {
  const [known] = await store.loadSensors([id]);
  if (known === undefined || !isWithin(reach, known.sensor)) throw new Fault("notFound", `There is no sensor ${id}.`);
  return known;
}
