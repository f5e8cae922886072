import { Fault } from "../../domain/fault";
import { catching } from "../catching";

/** What SQLite's result codes mean to whoever waits (https://www.sqlite.org/rescode.html); a longer code begins with one of these. */
const UNAVAILABLE: readonly (readonly [code: string, message: string])[] = [
  ["SQLITE_BUSY", "the database is locked by another process"],
  ["SQLITE_LOCKED", "the database is locked by another process"],
  ["SQLITE_FULL", "the disk or the database is full"],
  ["SQLITE_IOERR", "the database's file cannot be read or written"],
  ["SQLITE_READONLY", "the database cannot be written: it is read-only"],
  ["SQLITE_CANTOPEN", "the database's file cannot be opened"],
  ["SQLITE_NOTADB", "the database's file is not a database"],
  ["SQLITE_CORRUPT", "the database's file is damaged"],
];

/** A `Fault` (unavailable) for what the file or the disk did, else the error itself. */
export function asFault(error: unknown): unknown {
  if (error instanceof Fault) return error;
  const code = codeOf(error);
  const known = UNAVAILABLE.find(([prefix]) => code === prefix || code?.startsWith(`${prefix}_`));
  return known === undefined ? error : new Fault("unavailable", known[1], { cause: error });
}

/** Whether a row was refused because its key, or another unique value of it, is there already. */
export function isTaken(error: unknown): boolean {
  const code = codeOf(error);
  return code === "SQLITE_CONSTRAINT_PRIMARYKEY" || code === "SQLITE_CONSTRAINT_UNIQUE";
}

/** Whether another process holds the lock. */
export function isBusy(error: unknown): boolean {
  return codeOf(error)?.startsWith("SQLITE_BUSY") === true;
}

/** Whether the file is none of SQLite's, or no longer whole. */
export function isDamaged(error: unknown): boolean {
  const code = codeOf(error);
  return code === "SQLITE_NOTADB" || code === "SQLITE_CORRUPT" || code?.startsWith("SQLITE_CORRUPT_") === true;
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  return codeOf(error.cause);
}

/** A port whose methods answer at once. */
export type Direct<Port> = {
  [Name in keyof Port]: Port[Name] extends (...args: infer Args) => Promise<infer Result>
    ? (...args: Args) => Result | Promise<Result>
    : never;
};

/** The port over methods that answer at once: what they throw rejects, and SQLite's own errors become faults. */
export function promised<Port extends object>(direct: Direct<Port>): Port {
  return catching<Port>(direct, asFault);
}
