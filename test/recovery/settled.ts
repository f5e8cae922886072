import Database from "better-sqlite3";
import type { Acknowledgement } from "../ledger/evidence";

const LOOK_MS = 50;

/** What still has to happen, from the database file of a running Tocsin. */
export interface Owed {
  /** Whether the log has reached the last report that was acknowledged. */
  readonly caughtUp: boolean;
  readonly unpublished: number;
  readonly unplanned: number;
  readonly undelivered: number;
  /** Sensors with a heartbeat that are not offline yet, although nobody reports any more. */
  readonly listening: number;
}

/** Resolves once nothing has to happen any more: the senders have stopped, and all that follows from what they said has been done. */
export async function settled(dbFile: string, acknowledged: readonly Acknowledgement[], withinMs: number): Promise<void> {
  const last = acknowledged.reduce((highest, { sequence }) => Math.max(highest, sequence), 0);
  const deadline = performance.now() + withinMs;
  for (;;) {
    const owed = owedIn(dbFile, last);
    if (owed.caughtUp && owed.unpublished + owed.unplanned + owed.undelivered + owed.listening === 0) return;
    if (performance.now() > deadline) throw new Error(`after ${withinMs} ms: ${JSON.stringify(owed)}`);
    await Bun.sleep(LOOK_MS);
  }
}

function owedIn(file: string, lastSequence: number): Owed {
  const database = new Database(file, { readonly: true });
  try {
    const row = database.prepare(OWED).get(lastSequence) as Record<keyof Owed, number>;
    return { ...row, caughtUp: row.caughtUp === 1 };
  } finally {
    database.close();
  }
}

const OWED = `SELECT ingest.cursor >= ? AS caughtUp,
    ingest.change_number - ingest.published AS unpublished,
    ingest.change_number - notify.change_number AS unplanned,
    (SELECT count(*) FROM deliveries WHERE state = 'pending') AS undelivered,
    (SELECT count(*) FROM states JOIN sensors ON sensors.id = states.sensor_id
      WHERE heartbeat_interval_seconds IS NOT NULL AND availability = 'online') AS listening
  FROM partitions AS ingest JOIN partitions AS notify USING (partition)
  WHERE ingest.role = 'ingest' AND notify.role = 'notify' AND partition = 0`;
