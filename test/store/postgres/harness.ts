import { openStore } from "../../../src/store/open";
import type { Store } from "../../../src/store/store";
import { onDatabase, startPostgres, type TestPostgres } from "../../servers/postgres";
import type { OpenedStore, StoreHarness } from "../conformance/harness";

export interface PostgresHarness extends StoreHarness, AsyncDisposable {
  readonly server: TestPostgres;
  open(): Promise<OpenedStore & { readonly url: string }>;
}

/**
 * Every store is a copy of a template whose tables are made already, on one server. With `again` a database that a test is done with is
 * emptied for the next one, which takes a fraction of the time. Disposing of the harness ends the server.
 */
export async function postgresHarness({ again = false } = {}): Promise<PostgresHarness> {
  // No test of a driver's promises cuts the power.
  const server = await startPostgres(["fsync=off"]);
  const template = await server.createDatabase();
  await (await openStore({ kind: "postgres", url: template })).close();

  const left: string[] = [];

  async function open(): Promise<OpenedStore & { readonly url: string }> {
    const used = left.pop();
    if (used !== undefined) await empty(used);
    const url = used ?? (await server.createDatabase(template));
    let store: Store = await openStore({ kind: "postgres", url });
    return {
      url,
      get store() {
        return store;
      },
      async reopen() {
        await store.close();
        store = await openStore({ kind: "postgres", url });
        return store;
      },
      async addWebhooks(count) {
        await onDatabase(url, (client) =>
          client.query(
            `insert into webhooks (id, url, filter, state, description, concurrency, settings, credentials, version, created_at, updated_at)
             select 'crowd' || n, 'https://receiver.example/', '{}', 'active', '', 1, '{"events":["change"]}', '', 1, 0, 0 from generate_series(1, ${count}) n`,
          ),
        );
      },
      async [Symbol.asyncDispose]() {
        await store.close();
        if (again) left.push(url);
        else await server.dropDatabase(url);
      },
    };
  }

  return { server, open, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Takes everything out but what the tables were made by. There is little of it: to truncate as many tables would take longer. */
async function empty(url: string): Promise<void> {
  const tables = `select string_agg('delete from ' || oid::regclass, ';') as deletions from pg_class
    where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace`;
  await onDatabase(url, async (client) => {
    const { rows } = await client.query<{ deletions: string }>(tables);
    await client.query(rows[0]?.deletions ?? "");
  });
}
