/** A database of the bench, filled by SQL that both dialects understand but for the few words that are given here. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import type pg from "pg";
import type { StoreConfig } from "../../src/config";
import { openStore } from "../../src/store/open";
import { onDatabase, startPostgres, type TestPostgres } from "../../test/servers/postgres";

export interface BenchDatabase {
  readonly config: StoreConfig;
  readonly dialect: Dialect;
  readonly execute: (sql: string) => Promise<void>;
  /** Runs `fill` while no table has more than its key, and makes all other indexes afterwards, which is many times as fast. */
  readonly withoutIndexes: (fill: () => Promise<void>) => Promise<void>;
}

export interface Dialect {
  /** A table of the whole numbers `n` from 0 to `count` - 1. */
  series(count: number): string;
  json(text: string): string;
  bytes(count: number): string;
  /** What is run, one after the other, once the tables are filled. */
  readonly settle: readonly string[];
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
  settle: ["vacuum (analyze)", "checkpoint"],
};

const SQLITE: Dialect = {
  series: (count) =>
    `(with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n < ${count - 1}) select n from numbers)`,
  json: (text) => text,
  bytes: (count) => `zeroblob(${count})`,
  settle: ["pragma wal_checkpoint(truncate)"],
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
          onDatabase(url, async (client) => {
            await client.query(sql);
          }),
        withoutIndexes: (fill) => onDatabase(url, (client) => withoutIndexes(client, fill)),
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
        // Here the log's own indexes are few.
        withoutIndexes: (fill) => fill(),
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

/** Those of a table that is kept by days are those of all its days: their definitions speak of the one table ("ON ONLY"). */
async function withoutIndexes(client: pg.Client, fill: () => Promise<void>): Promise<void> {
  const { rows } = await client.query<{ name: string; definition: string }>(
    `select c.relname as name, pg_get_indexdef(c.oid) as definition from pg_index i join pg_class c on c.oid = i.indexrelid
     where c.relnamespace = 'public'::regnamespace and not i.indisprimary and not c.relispartition`,
  );
  for (const { name } of rows) await client.query(`drop index ${name}`);
  await fill();
  await client.query("set maintenance_work_mem = '512MB'");
  for (const { definition } of rows) await client.query(definition.replace(" ON ONLY ", " ON "));
}

async function postmasterOf(server: TestPostgres): Promise<number> {
  const url = `postgres://tocsin@127.0.0.1:${server.port}/postgres`;
  const { rows } = await onDatabase(url, (client) => client.query<{ data_directory: string }>("show data_directory"));
  return Number(readFileSync(join(rows[0]?.data_directory as string, "postmaster.pid"), "utf8").split("\n")[0]);
}
