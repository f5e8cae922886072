/**
 * Reports are kept in a table for each day (UTC) of `recorded_at`. A day is made beside the parent and then attached, and detached before it
 * is dropped: neither takes a lock that readers or commits wait for.
 */
import pg from "pg";
import { NOW_MS } from "./clock";
import type { Connection } from "./connection";

const DAY_MS = 24 * 3600 * 1000;
/** Names the locks among all advisory locks of the database: the bytes of "tocsinm" and "tocsind". */
const MAKING = "32773570227170925";
const DROPPING = "32773570227170916";
const LOCK_WAIT_MS = 500;
const TRIES = 10;

const DAYS = `select c.relname as name, i.inhrelid is not null as attached, coalesce(i.inhdetachpending, false) as pending,
    greatest(c.reltuples, 0)::float8 as rows
  from pg_class c join pg_class parent on parent.oid = 'reports'::regclass and parent.relnamespace = c.relnamespace
  left join pg_inherits i on i.inhrelid = c.oid and i.inhparent = parent.oid
  where c.relkind = 'r' and c.relname ~ '^reports_[0-9]{8}$' order by c.relname`;

interface DayTable {
  readonly name: string;
  /** Its beginning. */
  readonly day: number;
  readonly attached: boolean;
  /** Somebody began to detach it. */
  readonly pending: boolean;
  /** As far as Postgres knows. */
  readonly rows: number;
}

type Queryable = pg.Pool | pg.ClientBase;

async function dayTables(on: Queryable): Promise<DayTable[]> {
  const { rows } = await on.query<Omit<DayTable, "day">>(DAYS);
  return rows.map((row) => ({ ...row, day: dayOf(row.name) }));
}

function dayOf(name: string): number {
  const [year, month, day] = [name.slice(8, 12), name.slice(12, 14), name.slice(14, 16)];
  return Date.parse(`${year}-${month}-${day}T00:00:00.000Z`);
}

function nameOf(day: number): string {
  return `reports_${new Date(day).toISOString().slice(0, 10).replaceAll("-", "")}`;
}

function beginningOf(time: number): number {
  return Math.floor(time / DAY_MS) * DAY_MS;
}

async function today(on: Queryable): Promise<number> {
  const { rows } = await on.query<{ now: number }>(`select ${NOW_MS} as now`);
  return beginningOf(rows[0]?.now as number);
}

/** Makes what is missing of today and so many days to come; gives how many days after today are there without a gap. */
export async function prepareDays(connection: Connection, ahead: number): Promise<number> {
  const from = await today(connection.work);
  const wanted = Array.from({ length: ahead + 1 }, (_, index) => from + index * DAY_MS);
  const there = await attachedDays(connection.work);
  const missing = wanted.filter((day) => !there.has(day));
  if (missing.length > 0) {
    await makeDays(connection, missing);
    for (const day of missing) there.add(day);
  }
  let last = from;
  while (there.has(last + DAY_MS)) last += DAY_MS;
  return (last - from) / DAY_MS;
}

async function attachedDays(on: Queryable): Promise<Set<number>> {
  return new Set((await dayTables(on)).filter(({ attached, pending }) => attached && !pending).map(({ day }) => day));
}

/** Makes the day that a time lies in. */
export async function makeDay(connection: Connection, time: number): Promise<void> {
  await makeDays(connection, [beginningOf(time)]);
}

/** What a commit was refused for, as a time within the day that has no table; null for any other error. */
export function dayMissing(error: unknown): number | null {
  if (!(error instanceof pg.DatabaseError) || error.code !== "23514" || error.routine !== "ExecFindPartition") return null;
  const time = /\(recorded_at\) = \((\d+)\)/.exec(error.detail ?? "")?.[1];
  return time === undefined ? null : Number(time);
}

/** One after the other waits for the lock and then finds nothing to do. Whoever stands in the way is not waited for long, but often. */
async function makeDays(connection: Connection, days: readonly number[]): Promise<void> {
  for (let left = TRIES; ; left -= 1) {
    try {
      await connection.write(({ client }) => attachMissing(client, days));
      return;
    } catch (error) {
      if (left <= 1 || !(error instanceof pg.DatabaseError) || error.code !== "55P03") throw error;
    }
  }
}

async function attachMissing(client: pg.ClientBase, days: readonly number[]): Promise<void> {
  await client.query(`set local lock_timeout = ${LOCK_WAIT_MS}`);
  await client.query("select pg_advisory_xact_lock($1::bigint)", [MAKING]);
  const there = await attachedDays(client);
  for (const day of days) {
    if (there.has(day)) continue;
    const name = nameOf(day);
    // It is there already where it was detached and not dropped yet.
    await client.query(`create table if not exists ${name} (like reports including all)`);
    await client.query(`alter table reports attach partition ${name} for values from (${day}) to (${day + DAY_MS})`);
  }
}

/**
 * Drops the days that ended before a time, whole; a day that is not over stays. Gives how many rows they held, as far as Postgres knows.
 * One node does it; an attempt that was interrupted is taken up again.
 */
export async function dropDaysBefore(connection: Connection, before: number): Promise<number> {
  const end = Math.min(before, await today(connection.work));
  const isOld = ({ day }: DayTable) => day + DAY_MS <= end;
  if (!(await dayTables(connection.work)).some(isOld)) return 0;
  return connection.aside(async (client) => {
    const { rows } = await client.query<{ ours: boolean }>("select pg_try_advisory_lock($1::bigint) as ours", [DROPPING]);
    if (rows[0]?.ours !== true) return 0;
    let dropped = 0;
    // No two can be on their way at once, so what was interrupted comes first.
    const old = (await dayTables(client)).filter(isOld);
    for (const table of [...old.filter(({ pending }) => pending), ...old.filter(({ pending }) => !pending)]) {
      await drop(client, table);
      dropped += table.rows;
    }
    return dropped;
  });
}

async function drop(client: pg.ClientBase, { name, attached, pending }: DayTable): Promise<void> {
  if (attached) await client.query(`alter table reports detach partition ${name} ${pending ? "finalize" : "concurrently"}`);
  await client.query(`drop table if exists ${name}`);
}
