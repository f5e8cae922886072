import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { openStore } from "../../../src/store/open";
import { openSqliteStore, type SqliteOptions } from "../../../src/store/sqlite/sqliteStore";
import type { Store } from "../../../src/store/store";
import type { OpenedStore, StoreHarness } from "../conformance/harness";

const FILE = "tocsin.db";

/** A folder of its own for one database. */
export function temporaryFolder(): { readonly path: string; readonly file: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "tocsin-store-"));
  return { path, file: join(path, FILE), [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The file as another process would see it. */
export function openBeside(file: string): { readonly client: Database.Database } & Disposable {
  const client = new Database(file);
  return { client, [Symbol.dispose]: () => client.close() };
}

/** Every store is a copy of a template whose tables are made already. Disposing of the harness takes the template away. */
export async function sqliteHarness(options: SqliteOptions = {}): Promise<StoreHarness & Disposable> {
  const template = temporaryFolder();
  await (await openStore({ kind: "sqlite", file: template.file })).close();

  async function open(): Promise<OpenedStore> {
    const folder = temporaryFolder();
    copyFileSync(template.file, folder.file);
    let store: Store = openSqliteStore(folder.file, options);
    return {
      get store() {
        return store;
      },
      async reopen() {
        await store.close();
        store = openSqliteStore(folder.file, options);
        return store;
      },
      async addWebhooks(count) {
        using database = openBeside(folder.file);
        database.client.exec(
          `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count})
           insert into webhooks (id, url, filter, state, description, concurrency, settings, credentials, version, created_at, updated_at)
           select 'crowd' || n, 'https://receiver.example/', '{}', 'active', '', 1, '{"events":["change"]}', '', 1, 0, 0 from numbers`,
        );
      },
      async [Symbol.asyncDispose]() {
        await store.close();
        folder[Symbol.dispose]();
      },
    };
  }

  return { open, [Symbol.dispose]: () => template[Symbol.dispose]() };
}
