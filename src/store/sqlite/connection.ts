import { join } from "node:path";
import Database from "better-sqlite3";
import { type BetterSQLite3Database, drizzle } from "drizzle-orm/better-sqlite3";
import { migrate } from "drizzle-orm/better-sqlite3/migrator";

/** Waiting for a lock stops the whole process, so it is short: what cannot be had is tried again by whoever wants it. */
const BUSY_MS = 100;
/** Two processes that start at once bring the tables up to date one after the other. */
const BUSY_AT_START_MS = 5000;
const CACHE_KIB = 64 * 1024;
/** Index pages that many commits touch are copied to the main file once per checkpoint: fewer checkpoints, less writing. */
const CHECKPOINT_PAGES = 16_000;
const MIGRATIONS = join(import.meta.dir, "../../../drizzle/sqlite");

/** One connection, whose calls are synchronous: nothing of ours can come between the statements of a transaction. */
export interface Connection {
  /** For the hot batches: prepared statements. */
  readonly client: Database.Database;
  /** For everything else. */
  readonly db: BetterSQLite3Database;
  /** Runs `work` in one transaction that holds the write lock from its beginning; whatever is thrown takes all of it back. */
  readonly write: <Result>(work: () => Result) => Result;
  /** Runs `work` on one snapshot. */
  readonly read: <Result>(work: () => Result) => Result;
}

/** Opens the file (made when missing) and brings its tables up to date. Throws what SQLite throws. */
export function openConnection(file: string): Connection {
  const client = new Database(file, { timeout: BUSY_AT_START_MS });
  try {
    client.pragma("page_size = 4096");
    client.pragma("journal_mode = WAL");
    client.pragma("synchronous = FULL");
    client.pragma(`cache_size = -${CACHE_KIB}`);
    client.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    const db = drizzle(client);
    migrate(db, { migrationsFolder: MIGRATIONS });
    client.pragma(`busy_timeout = ${BUSY_MS}`);
    return { client, db, ...transactions(client) };
  } catch (error) {
    client.close();
    throw error;
  }
}

function transactions(client: Database.Database): Pick<Connection, "write" | "read"> {
  const beginWrite = client.prepare("begin immediate");
  const beginRead = client.prepare("begin");
  const commit = client.prepare("commit");
  const rollback = client.prepare("rollback");

  function run<Result>(begin: Database.Statement, work: () => Result): Result {
    begin.run();
    try {
      const result = work();
      commit.run();
      return result;
    } catch (error) {
      // A full disk may have ended the transaction already.
      if (client.inTransaction) rollback.run();
      throw error;
    }
  }

  return { write: (work) => run(beginWrite, work), read: (work) => run(beginRead, work) };
}
