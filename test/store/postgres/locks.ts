import pg from "pg";
import { onDatabase } from "../../servers/postgres";

/** Holds what `statement` locks until it is disposed of. */
export async function locked(url: string, statement: string): Promise<AsyncDisposable> {
  const client = new pg.Client(url);
  client.on("error", () => {
    // The server may go away with it.
  });
  await client.connect();
  await client.query("begin");
  await client.query(statement);
  return { [Symbol.asyncDispose]: () => client.end() };
}

/** Waits until so many of the store's statements wait for a lock, or until they have `ended`: they do not wait for ever. */
export async function waiting(url: string, count: number, ended?: Promise<unknown>): Promise<void> {
  let over = false;
  void ended?.then(() => (over = true));
  const held = "select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  await onDatabase(url, async (client) => {
    while (!over && ((await client.query<{ count: number }>(held)).rows[0]?.count ?? 0) < count) await Bun.sleep(5);
  });
}

/** How each of these ended: `expect(…).rejects` would stand still until it knows. */
export function endsOf(calls: readonly Promise<unknown>[]): Promise<unknown[]> {
  return Promise.all(calls.map((call) => call.then(() => "it worked").catch((error: unknown) => error)));
}
