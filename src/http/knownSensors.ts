import { Fault } from "../domain/fault";
import type { HistoryStore, IngestStore } from "../store/store";

export type KnownSensors = Pick<IngestStore, "loadSensors"> & Pick<HistoryStore, "listReports" | "listChanges">;

/** Throws `notFound` for a sensor that never was. A deleted one is known for as long as anything of its history is kept. */
export async function demandKnown(store: KnownSensors, id: string): Promise<void> {
  const [known] = await store.loadSensors([id]);
  if (known === undefined || (known.deleted && !(await hasHistory(store, id)))) throw new Fault("notFound", `There is no sensor ${id}.`);
}

async function hasHistory(store: KnownSensors, sensorId: string): Promise<boolean> {
  const first = { limit: 1, cursor: null };
  const changes = await store.listChanges({ sensorId, range: {}, order: "desc" }, first);
  if (changes.items.length > 0) return true;
  return (await store.listReports(sensorId, { range: {}, order: "desc" }, first)).items.length > 0;
}
