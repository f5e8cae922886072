import type { Config } from "../config";
import { openDataFolder } from "../dataFolder";
import type { OpenOptions, Store } from "../store/store";

/**
 * Works on the store without a running service, and brings its tables up to date first. Of a database in the data folder that folder is
 * locked meanwhile; throws `Fault` (conflict) when a Tocsin uses it.
 */
export async function withOwnStore<Result>(
  { dataDir, store: place }: Pick<Config, "dataDir" | "store">,
  work: (store: Store) => Promise<Result>,
  options: OpenOptions = {},
): Promise<Result> {
  const { openStore } = await import("../store/open");
  using folder = place.kind === "sqlite" ? openDataFolder(dataDir) : null;
  // Letting go of the folder forgets its last run, so what a killed one left behind is ended as a start would do.
  await folder?.endOrphan();
  const store = await openStore(place, options);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
