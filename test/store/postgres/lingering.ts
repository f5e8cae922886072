import { onDatabase } from "../../servers/postgres";
import type { postgresHarness } from "./harness";

const LOOK_MS = 2;

/** Only the first that writes after `lingered` was set back lingers, until `awaited` statements wait for a lock; for none, it goes on. */
const LINGER = `
  create sequence lingered; create sequence awaited minvalue 0; select nextval('lingered');
  create function linger() returns trigger language plpgsql as $$
  begin
    if nextval('lingered') = 1 then
      loop
        perform pg_sleep(0.002);
        perform pg_stat_clear_snapshot();
        exit when (select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')
          >= (select last_value from awaited);
      end loop;
    end if;
    return null;
  end $$;`;

type PostgresHarness = Awaited<ReturnType<typeof postgresHarness>>;

/** A store on which one transaction can be kept open, behind what it wrote into a table, for as long as another needs to come upon it. */
export async function lingeringStore(harness: PostgresHarness, table: string) {
  const opened = await harness.open();
  await onDatabase(opened.url, (client) =>
    client.query(`${LINGER} create trigger linger after insert or update on ${table} for each statement execute function linger()`),
  );

  /**
   * Begins `other` in the middle of `one`, whose transaction goes on once `other` waits for it, or is done; where `other` is not the only
   * one to wait, once so many do.
   */
  async function meanwhile<One, Other>(one: () => Promise<One>, other: () => Promise<Other>, waiting = 1): Promise<[One, Other]> {
    return onDatabase(opened.url, async (client) => {
      const goOnAt = (count: number) => client.query("select setval('awaited', $1)", [count]);
      await goOnAt(waiting);
      await client.query("select setval('lingered', 1, false)");
      const ending = one();
      const underWay = "select is_called from lingered";
      while ((await client.query<{ is_called: boolean }>(underWay)).rows[0]?.is_called !== true) await Bun.sleep(LOOK_MS);
      let ended: Other;
      try {
        ended = await other();
      } finally {
        await goOnAt(0);
      }
      return [await ending, ended];
    });
  }

  return { opened, meanwhile };
}
