import Database from "better-sqlite3";
import { isBusy } from "./faults";

/** How long a lock that a dying process still holds is waited for. */
const BUSY_MS = 500;

export interface FileLock {
  release(): void;
}

/**
 * Takes an exclusive lock on a file (created when missing), or null when somebody holds it. It is SQLite's lock of an open write
 * transaction: the operating system frees it when the process dies, however it dies, and no child inherits it. Throws when the file
 * cannot be opened.
 */
export function lockFile(path: string): FileLock | null {
  const database = new Database(path, { timeout: BUSY_MS });
  try {
    database.pragma("locking_mode = EXCLUSIVE");
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
  held.add(database);
  return {
    release() {
      held.delete(database);
      database.close();
    },
  };
}

/** A database that nobody refers to is closed when memory is tidied up, and its lock would go with it. */
const held = new Set<Database.Database>();
