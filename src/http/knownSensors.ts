import { Fault } from "../domain/fault";
import { isWithin, type Reach } from "../domain/reach";
import type { HistoryStore, IngestStore, SensorAndState } from "../store/store";

export type KnownSensors = Pick<IngestStore, "loadSensors"> & Pick<HistoryStore, "listReports" | "listChanges">;

/**
 * Throws `notFound` for a sensor that never was, or that lies out of reach. A deleted one is known, by the labels that it had, for as long
 * as anything of its history is kept.
 */
export async function demandKnown(store: KnownSensors, id: string, reach: Reach | null): Promise<SensorAndState> {
  const [known] = await store.loadSensors([id]);
  const isKnown = known !== undefined && isWithin(reach, known.sensor) && (!known.deleted || (await hasHistory(store, id)));
  if (!isKnown) throw new Fault("notFound", `There is no sensor ${id}.`);
  return known;
}

async function hasHistory(store: KnownSensors, sensorId: string): Promise<boolean> {
  const first = { limit: 1, cursor: null };
  const changes = await store.listChanges({ sensorId, range: {}, order: "desc" }, first);
  if (changes.items.length > 0) return true;
  return (await store.listReports(sensorId, { range: {}, order: "desc" }, first)).items.length > 0;
}
