import { afterAll, expect, test } from "bun:test";
import { openStore } from "../../src/store/open";
import type { Store } from "../../src/store/store";
import { UPSERT_SET_MAX } from "../../src/store/upsertStore";
import { onDatabase } from "../servers/postgres";
import { draftOf } from "./conformance/samples";
import { postgresHarness } from "./postgres/harness";
import { openBeside, temporaryFolder } from "./sqlite/harness";

/** Before the one that is looked for, and more than the first two stretches of a list: what lies behind them is found by the groups alone. */
const CROWD = 6 * UPSERT_SET_MAX;
const PAGE = { limit: 10, cursor: null };
const HOUR_MS = 3_600_000;

const postgres = await postgresHarness();
afterAll(() => postgres[Symbol.asyncDispose]());

/** Runs SQL on the database of the store, beside it. */
type Beside = (sql: string) => Promise<unknown>;

async function indexAll(store: Store): Promise<void> {
  while ((await store.indexTexts(1000)).more);
}

/** One that a node of an earlier version renames tells nobody that it has another text. */
async function expectFoundAgain(store: Store, beside: Beside): Promise<void> {
  for (let from = 0; from < CROWD; from += UPSERT_SET_MAX) {
    const drafts = Array.from({ length: UPSERT_SET_MAX }, (_, index) => draftOf(`crowd-${from + index}`));
    await store.upsertSensors(drafts, null);
  }
  await store.createSensor(draftOf("z", { name: "pump" }));
  // They were there before anybody knew of groups.
  await beside("delete from search_waiting");
  await indexAll(store);
  const found = async (q: string) => (await store.listSensors({ q }, PAGE)).items.length;
  const rename = (name: string) => beside(`update sensors set name = '${name}', search_text = 'z' || '\n' || '${name}' where id = 'z'`);
  const age = async (hours: number) => {
    await beside(`update search_progress set begun_at = ${Date.now() - hours * HOUR_MS}`);
    await indexAll(store);
  };
  await rename("walrus");
  await age(0.9);
  expect(await found("walrus")).toBe(0);
  await age(1.1);
  expect(await found("walrus")).toBe(1);
  await rename("lynx");
  await age(23);
  expect(await found("lynx")).toBe(0);
  await age(25);
  expect(await found("lynx")).toBe(1);
}

test("on SQLite what an earlier version wrote is found by its text after the next pass, which comes in a day, and after the first in an hour", async () => {
  using folder = temporaryFolder();
  const store = await openStore({ kind: "sqlite", file: folder.file });
  await expectFoundAgain(store, async (sql) => {
    using other = openBeside(folder.file);
    other.client.exec(sql);
  });
  await store.close();
});

test("on Postgres what an earlier version wrote is found by its text after the next pass, which comes in a day, and after the first in an hour", async () => {
  await using opened = await postgres.open();
  await expectFoundAgain(opened.store, (sql) => onDatabase(opened.url, (client) => client.query(sql)));
});
