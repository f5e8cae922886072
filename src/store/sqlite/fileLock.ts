import Database from "better-sqlite3";

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
  return { release: () => database.close() };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");
}
