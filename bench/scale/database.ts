/** A database of the bench, filled by SQL that both dialects understand but for the few words that are given here. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import pg from "pg";
import type { StoreConfig } from "../../src/config";
import { openStore } from "../../src/store/open";
import { startPostgres, type TestPostgres } from "../../test/servers/postgres";

export interface BenchDatabase {
  readonly config: StoreConfig;
  readonly dialect: Dialect;
  execute(sql: string): Promise<void>;
}

export interface Dialect {
  /** A table of the whole numbers `n` from 0 to `count` - 1. */
  series(count: number): string;
  json(text: string): string;
  bytes(count: number): string;
  /** What is run once a table is filled. */
  readonly settle: string;
}

export interface Databases {
  /** With the tables of this version, and nothing in them. */
  create(): Promise<BenchDatabase>;
  /** The server's first process; null where the database has none. */
  readonly pid: number | null;
  stop(): Promise<void>;
}

const POSTGRES: Dialect = {
  series: (count) => `generate_series(0, ${count - 1}) s (n)`,
  json: (text) => `(${text})::json`,
  bytes: (count) => `decode(repeat('6d', ${count}), 'hex')`,
  settle: "vacuum (analyze)",
};

const SQLITE: Dialect = {
  series: (count) =>
    `(with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n < ${count - 1}) select n from numbers)`,
  json: (text) => text,
  bytes: (count) => `zeroblob(${count})`,
  settle: "pragma wal_checkpoint(truncate)",
};

/** A server with its own settings (lines of postgresql.conf): fsync and synchronous_commit are on unless they say otherwise. */
export async function startPostgresDatabases(settings: readonly string[] = []): Promise<Databases> {
  const server = await startPostgres(settings);
  const postmaster = await postmasterOf(server);
  return {
    async create() {
      const url = await server.createDatabase();
      const config = { kind: "postgres", url } as const;
      await (await openStore(config)).close();
      return {
        config,
        dialect: POSTGRES,
        execute: (sql) =>
          onClient(url, async (client) => {
            await client.query(sql);
          }),
      };
    },
    pid: postmaster,
    async stop() {
      await server[Symbol.asyncDispose]();
    },
  };
}

export function sqliteDatabases(dir: string): Databases {
  let made = 0;
  return {
    async create() {
      const config = { kind: "sqlite", file: join(dir, `scale-${(made += 1)}.db`) } as const;
      await (await openStore(config)).close();
      return {
        config,
        dialect: SQLITE,
        execute(sql) {
          using client = new DisposableDatabase(config.file);
          client.database.exec(sql);
          return Promise.resolve();
        },
      };
    },
    pid: null,
    stop: () => Promise.resolve(),
  };
}

class DisposableDatabase implements Disposable {
  readonly database: Database.Database;

  constructor(file: string) {
    this.database = new Database(file);
    // Filling is not measured.
    this.database.pragma("synchronous = OFF");
    this.database.pragma("cache_size = -262144");
  }

  [Symbol.dispose](): void {
    this.database.close();
  }
}

async function onClient<Result>(url: string, act: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

async function postmasterOf(server: TestPostgres): Promise<number> {
  const url = `postgres://tocsin@127.0.0.1:${server.port}/postgres`;
  const { rows } = await onClient(url, (client) => client.query<{ data_directory: string }>("show data_directory"));
  return Number(readFileSync(join(rows[0]?.data_directory as string, "postmaster.pid"), "utf8").split("\n")[0]);
}
