/** Chooses the driver. Nobody else knows one. */
import type { StoreConfig } from "../config";
import { openPostgresStore } from "./postgres/postgresStore";
import { openSqliteStore } from "./sqlite/sqliteStore";
import type { OpenOptions, Store } from "./store";

/** Opens the store and brings its tables up to date. Throws `Fault` (unavailable) when it cannot be used. */
export async function openStore(config: StoreConfig, options: OpenOptions = {}): Promise<Store> {
  return config.kind === "postgres" ? openPostgresStore(config.url, options) : openSqliteStore(config.file);
}
