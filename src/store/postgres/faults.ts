import { Fault } from "../../domain/fault";
import { catching } from "../catching";

/** What Postgres's SQLSTATEs mean to whoever waits (https://www.postgresql.org/docs/current/errcodes-appendix.html); a longer code begins with one of these. */
const UNAVAILABLE: readonly (readonly [code: string, message: string])[] = [
  ["08", "the connection to the database was lost"],
  ["57014", "the database took too long to answer"],
  ["57P", "the database is starting or stopping"],
  ["53300", "the database has no connection left"],
  ["53100", "the database's disk is full"],
  ["53", "the database has run out of something it needs"],
  ["58", "the database cannot read or write its files"],
  ["40", "the database gave way to another transaction"],
  ["55P03", "the database is locked by somebody else"],
  ["25006", "the database cannot be written: it is read-only"],
  ["25P03", "the database ended a transaction that took too long"],
  ["28", "the database does not accept our user or password"],
  ["3D000", "the database does not exist"],
  ["XX", "the database failed within itself"],
];

/** What Node calls a socket that failed, and pg a connection that is no more. */
const LOST = [
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
  "ERR_SOCKET_CLOSED",
];
const LOST_WORDS =
  /Connection terminated|timeout expired|timeout exceeded when trying to connect|Query read timeout|not queryable|Client was closed|pool after calling end|socket has been ended/i;

/** A `Fault` (unavailable) for what the database, or the way to it, did; else the error itself. */
export function asFault(error: unknown): unknown {
  if (error instanceof Fault) return error;
  const code = codeOf(error);
  const known = UNAVAILABLE.find(([prefix]) => code?.startsWith(prefix) && /^[0-9A-Z]{5}$/.test(code));
  if (known !== undefined) return new Fault("unavailable", known[1], { cause: error });
  return isLost(error) ? new Fault("unavailable", `the database cannot be reached${whyLost(error)}`, { cause: error }) : error;
}

/** What the system calls it, so that a wrong host is told from a server that is down. */
function whyLost(error: unknown): string {
  for (let each = error; each instanceof Error; each = each.cause) {
    const inside: unknown = each instanceof AggregateError ? each.errors[0] : each;
    if (inside instanceof Error && "code" in inside && LOST.includes(String(inside.code))) return ` (${String(inside.code)})`;
  }
  return "";
}

/** Whether a row was refused because its key, or another unique value of it, is there already. */
export function isTaken(error: unknown): boolean {
  return codeOf(error) === "23505";
}

/** Whether the connection itself failed, so that nothing can be asked of it any more. */
export function isLost(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if ("code" in each && LOST.includes(String(each.code))) return true;
    if (LOST_WORDS.test(each.message)) return true;
    if (each instanceof AggregateError && each.errors.some(isLost)) return true;
  }
  return false;
}

/** The SQLSTATE; Drizzle hides it in the cause. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  return codeOf(error.cause);
}

/** The port over a driver's methods: Postgres's own errors become faults. */
export function faulted<Port extends object>(port: Port): Port {
  return catching<Port>(port, asFault);
}
