import { onDatabase } from "../../servers/postgres";
import type { postgresHarness } from "./harness";

const LINGER_SECONDS = 0.2;
const LOOK_MS = 5;

type PostgresHarness = Awaited<ReturnType<typeof postgresHarness>>;

/** A store whose transactions stay open for a while after they wrote into a table; `underWay` waits until one does. */
export async function lingeringStore(harness: PostgresHarness, table: string) {
  const opened = await harness.open();
  await onDatabase(opened.url, (client) =>
    client.query(
      `create function linger() returns trigger language plpgsql as $$ begin perform pg_sleep(${LINGER_SECONDS}); return null; end $$;
       create trigger linger after insert or update on ${table} for each statement execute function linger()`,
    ),
  );
  const stopLingering = () => onDatabase(opened.url, (client) => client.query(`alter table ${table} disable trigger linger`));
  const underWay = () =>
    onDatabase(opened.url, async (client) => {
      const sleeping = "select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";
      while ((await client.query(sleeping)).rows.length === 0) await Bun.sleep(LOOK_MS);
    });
  return { opened, underWay, stopLingering };
}
