import { join } from "node:path";
import { readMigrationFiles } from "drizzle-orm/migrator";
import type { ClientBase, Pool } from "pg";

const FOLDER = join(import.meta.dir, "../../../drizzle/postgres");
/** Names the lock among all advisory locks of the database: "tocsin" in its bytes. */
const LOCK = "128021758699886";
/** Drizzle's own record of what was applied, so that its tools can read it. */
const CREATE_RECORD = `create schema if not exists drizzle;
  create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`;

/** Whether there is nothing to bring up to date. */
export async function isUpToDate(client: ClientBase): Promise<boolean> {
  return (await missing(client)).length === 0;
}

/** Brings the tables up to date. Whoever starts at the same time waits for the lock, and then finds nothing to do. */
export async function bringUpToDate(client: ClientBase): Promise<void> {
  await client.query("begin");
  try {
    await client.query("select pg_advisory_xact_lock($1::bigint)", [LOCK]);
    await client.query(CREATE_RECORD);
    for (const { sql, hash, folderMillis } of await missing(client)) {
      for (const statement of sql) await client.query(statement);
      await client.query("insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)", [hash, folderMillis]);
    }
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw error;
  }
}

/** How many migrations were applied that are not among ours. */
export async function unknownMigrations(client: Pick<Pool, "query">): Promise<number> {
  const ours = new Set(readMigrationFiles({ migrationsFolder: FOLDER }).map(({ folderMillis }) => folderMillis));
  const { rows } = await client.query<{ at: number }>("select created_at::float8 as at from drizzle.__drizzle_migrations");
  return rows.filter(({ at }) => !ours.has(at)).length;
}

async function missing(client: ClientBase) {
  const newest = await newestApplied(client);
  return readMigrationFiles({ migrationsFolder: FOLDER }).filter(({ folderMillis }) => folderMillis > newest);
}

async function newestApplied(client: ClientBase): Promise<number> {
  const { rows: recorded } = await client.query<{ there: boolean }>(
    "select to_regclass('drizzle.__drizzle_migrations') is not null as there",
  );
  if (recorded[0]?.there !== true) return Number.NEGATIVE_INFINITY;
  const { rows } = await client.query<{ newest: number | null }>(
    "select max(created_at)::float8 as newest from drizzle.__drizzle_migrations",
  );
  return rows[0]?.newest ?? Number.NEGATIVE_INFINITY;
}
