import { openTables } from "../ledger/tables";

const LOOK_MS = 50;

/** What still has to happen, from the database of a running Tocsin. */
export interface Owed {
  /** Partitions whose log has not come to the end that was named. */
  readonly behind: number;
  readonly unpublished: number;
  readonly unplanned: number;
  readonly undelivered: number;
  /** Replays that have not come to their end. */
  readonly replaying: number;
  /** Sensors with a heartbeat that are not offline yet, although nobody reports any more. */
  readonly listening: number;
}

/** A message that the log has to come to; an acknowledgement is one. */
export interface Place {
  readonly partition: number;
  readonly sequence: number;
}

/**
 * Resolves once nothing has to happen any more: the senders have stopped, and all that follows from what they said has been done.
 * `database`: `postgres://…`, or a file of SQLite.
 */
export async function settled(database: string, places: readonly Place[], withinMs: number): Promise<void> {
  const ends = new Map<number, number>();
  for (const { partition, sequence } of places) ends.set(partition, Math.max(sequence, ends.get(partition) ?? 0));
  const deadline = performance.now() + withinMs;
  for (;;) {
    const owed = await owedIn(database, ends);
    if (Object.values(owed).every((count) => count === 0)) return;
    if (performance.now() > deadline) throw new Error(`after ${withinMs} ms: ${JSON.stringify(owed)}`);
    await Bun.sleep(LOOK_MS);
  }
}

/**
 * Resolves once every partition's log has come to the place that was named, and all that came of it until then is planned; while others
 * go on reporting. Gives how long it took.
 */
export async function caughtUp(database: string, places: readonly Place[], withinMs: number): Promise<number> {
  const startedAt = performance.now();
  const missing = new Map(places.map((place) => [place.partition, { ...place, changes: null as number | null }]));
  for (;;) {
    for (const { partition, cursor, changes, planned } of await progressIn(database)) {
      const goal = missing.get(partition);
      if (goal === undefined || cursor < goal.sequence) continue;
      goal.changes ??= changes;
      if (planned >= goal.changes) missing.delete(partition);
    }
    const ms = performance.now() - startedAt;
    if (missing.size === 0) return ms;
    if (ms > withinMs) throw new Error(`after ${withinMs} ms still behind: ${JSON.stringify([...missing.values()])}`);
    await Bun.sleep(2 * LOOK_MS);
  }
}

interface Progress {
  readonly partition: number;
  readonly cursor: number;
  readonly changes: number;
  readonly planned: number;
}

async function progressIn(database: string): Promise<Progress[]> {
  await using tables = await openTables(database);
  return await tables.all<Progress>(PROGRESS);
}

async function owedIn(database: string, ends: ReadonlyMap<number, number>): Promise<Owed> {
  await using tables = await openTables(database);
  const [rest] = await tables.all<Omit<Owed, "behind">>(OWED);
  const reached = new Map((await tables.all<Progress>(PROGRESS)).map(({ partition, cursor }) => [partition, cursor]));
  const behind = [...ends].filter(([partition, end]) => (reached.get(partition) ?? 0) < end).length;
  return { ...(rest as Omit<Owed, "behind">), behind };
}

const PROGRESS = `SELECT ingest.partition, ingest.cursor, ingest.change_number AS changes, coalesce(notify.change_number, 0) AS planned
  FROM partitions AS ingest LEFT JOIN partitions AS notify ON notify.partition = ingest.partition AND notify.role = 'notify'
  WHERE ingest.role = 'ingest'`;
const OWED = `SELECT
    (SELECT sum(change_number - published) FROM partitions WHERE role = 'ingest') AS unpublished,
    (SELECT sum(ingest.change_number - coalesce(notify.change_number, 0)) FROM partitions AS ingest
      LEFT JOIN partitions AS notify ON notify.partition = ingest.partition AND notify.role = 'notify'
      WHERE ingest.role = 'ingest') AS unplanned,
    (SELECT count(*) FROM deliveries WHERE state = 'pending') AS undelivered,
    (SELECT count(*) FROM replays WHERE state = 'running') AS replaying,
    (SELECT count(*) FROM states JOIN sensors ON sensors.id = states.sensor_id
      WHERE heartbeat_interval_seconds IS NOT NULL AND availability = 'online') AS listening`;
