import { join } from "node:path";
import type Database from "better-sqlite3";
import { readMigrationFiles } from "drizzle-orm/migrator";

const FOLDER = join(import.meta.dir, "../../../drizzle/sqlite");
/** Drizzle's own record of what was applied, so that its tools can read it. */
const CREATE_RECORD = "create table if not exists __drizzle_migrations (id serial primary key, hash text not null, created_at numeric)";

/**
 * Brings the tables up to date. What is missing is found and applied under the write lock: of two processes that start at once the
 * second waits, and finds nothing to do. A database that is up to date is only looked at.
 */
export function bringUpToDate(client: Database.Database): void {
  const migrations = readMigrationFiles({ migrationsFolder: FOLDER });
  const missing = () => migrations.filter(({ folderMillis }) => folderMillis > newestApplied(client));
  if (missing().length === 0) return;
  const applyMissing = client.transaction(() => {
    client.exec(CREATE_RECORD);
    const record = client.prepare<[string, number]>("insert into __drizzle_migrations (hash, created_at) values (?, ?)");
    for (const { sql, hash, folderMillis } of missing()) {
      for (const statement of sql) client.exec(statement);
      record.run(hash, folderMillis);
    }
  });
  applyMissing.immediate();
}

/** How many migrations were applied that are not among ours. */
export function unknownMigrations(client: Database.Database): number {
  const ours = new Set(readMigrationFiles({ migrationsFolder: FOLDER }).map(({ folderMillis }) => folderMillis));
  const applied = client.prepare<[], number>("select created_at from __drizzle_migrations").pluck().all();
  return applied.filter((at) => !ours.has(at)).length;
}

function newestApplied(client: Database.Database): number {
  const recorded = client.prepare<[], 1>("select 1 from sqlite_master where type = 'table' and name = '__drizzle_migrations'").pluck();
  if (recorded.get() === undefined) return Number.NEGATIVE_INFINITY;
  const newest = client.prepare<[], number | null>("select max(created_at) from __drizzle_migrations").pluck();
  return newest.get() ?? Number.NEGATIVE_INFINITY;
}
