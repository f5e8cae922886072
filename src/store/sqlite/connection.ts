import { existsSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { type BetterSQLite3Database, drizzle } from "drizzle-orm/better-sqlite3";
import { Fault } from "../../domain/fault";
import { isBusy } from "./faults";
import { bringUpToDate } from "./migrations";

/** Waiting for a lock stops the whole process, so it is short: what cannot be had is tried again by whoever wants it. */
const BUSY_MS = 100;
/** Two processes that start at once bring the tables up to date one after the other. */
const BUSY_AT_START_MS = 5000;
const BUSY_PAUSE_MS = 5;
const CACHE_KIB = 64 * 1024;
/** The store's thread copies the WAL into the database; where it does not come to it, commits do so at this length. */
const CHECKPOINT_PAGES = 64_000;

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

/** Opens the file (made when missing) and brings its tables up to date; `onCommit` is told of every write. Throws what SQLite throws, and a `Fault` when its folder is missing. */
export function openConnection(file: string, onCommit: () => void = () => {}): Connection {
  if (!existsSync(dirname(file))) throw new Fault("unavailable", "the folder of the database's file does not exist");
  const client = new Database(file, { timeout: BUSY_AT_START_MS });
  try {
    client.pragma("page_size = 4096");
    switchToWal(client);
    client.pragma("synchronous = FULL");
    client.pragma(`cache_size = -${CACHE_KIB}`);
    client.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    bringUpToDate(client);
    client.pragma(`busy_timeout = ${BUSY_MS}`);
    return { client, db: drizzle(client), ...transactions(client, onCommit) };
  } catch (error) {
    client.close();
    throw error;
  }
}

/** SQLite does not wait for its lock when two processes do this at once, so we do. */
export function switchToWal(client: Database.Database): void {
  for (const deadline = performance.now() + BUSY_AT_START_MS; ; Bun.sleepSync(BUSY_PAUSE_MS)) {
    try {
      client.pragma("journal_mode = WAL");
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
    }
  }
}

function transactions(client: Database.Database, onCommit: () => void): Pick<Connection, "write" | "read"> {
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

  return {
    write(work) {
      const result = run(beginWrite, work);
      onCommit();
      return result;
    },
    read: (work) => run(beginRead, work),
  };
}
