import { Fault } from "../domain/fault";
import type { IngestStore } from "../store/store";

export type KnownSensors = Pick<IngestStore, "loadSensors">;

/** Throws `notFound` for a sensor that never was. A deleted one has a history still. */
export async function demandKnown(store: KnownSensors, id: string): Promise<void> {
  const [known] = await store.loadSensors([id]);
  if (known === undefined) throw new Fault("notFound", `There is no sensor ${id}.`);
}
