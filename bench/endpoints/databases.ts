import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { POSTGRES_SETTINGS } from "../pipeline/databases";
import type { BenchOptions } from "../run";
import { type Databases, sqliteDatabases, startPostgresDatabases } from "../scale/database";

/** What is kept of what is committed, by store. */
export const DURABILITY = { postgres: POSTGRES_SETTINGS.join(", "), sqlite: "WAL, synchronous=FULL" } as const;

/** What a cluster has, and what a laptop has. */
export const PARTITIONS = { postgres: 16, sqlite: 1 } as const;

/** Databases of a server, or in a folder, that are there as long as `act` takes. */
export async function withDatabases<Measured>(
  store: BenchOptions["store"],
  act: (databases: Databases) => Promise<Measured>,
): Promise<Measured> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.adopt(mkdtempSync(join(tmpdir(), "tocsin-bench-")), (path) => rmSync(path, { recursive: true, force: true }));
  const databases = store === "postgres" ? await startPostgresDatabases(POSTGRES_SETTINGS) : sqliteDatabases(dir);
  stack.defer(() => databases.stop());
  return await act(databases);
}
