import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { StoreConfig } from "../../src/config";
import { openStore } from "../../src/store/open";
import { startPostgres } from "../../test/servers/postgres";

/** Makes a database for each side of a bench, all with the same settings. */
export interface Databases {
  /** What every side is told to keep of what it commits. */
  readonly durability: string;
  /** A new one; disposing of it takes it away. */
  open(): Promise<AsyncDisposable & { readonly config: StoreConfig }>;
  close(): Promise<void>;
}

/** What a small server would be given; everything else as Postgres comes. */
export const POSTGRES_SETTINGS = ["shared_buffers=256MB", "max_wal_size=4GB", "fsync=on", "synchronous_commit=on"];

export async function openDatabases(kind: StoreConfig["kind"], root: string): Promise<Databases> {
  return kind === "postgres" ? openPostgres() : openSqlite(root);
}

function openSqlite(root: string): Databases {
  return {
    durability: "WAL, synchronous=FULL, on every side",
    open() {
      const folder = mkdtempSync(join(root, "side-"));
      const config = { kind: "sqlite", file: join(folder, "bench.db") } as const;
      return Promise.resolve({ config, [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }) });
    },
    close: () => Promise.resolve(),
  };
}

async function openPostgres(): Promise<Databases> {
  const server = await startPostgres(POSTGRES_SETTINGS);
  return {
    durability: `${POSTGRES_SETTINGS.join(", ")}, a database of the same server for every side`,
    async open() {
      const url = await server.createDatabase();
      const config = { kind: "postgres", url } as const;
      await (await openStore(config)).close();
      return { config, [Symbol.asyncDispose]: () => server.dropDatabase(url) };
    },
    async close() {
      await server[Symbol.asyncDispose]();
    },
  };
}
