import { afterAll, expect, test } from "bun:test";
import { openStore } from "../../src/store/open";
import { PRUNED_ATTEMPTS_MAX } from "../../src/store/deliveryRows";
import type { Store } from "../../src/store/store";
import { onDatabase } from "../servers/postgres";
import { threeOwed } from "./conformance/planner";
import { addWebhook, FAR, FIRST_PAGE } from "./conformance/samples";
import { postgresHarness } from "./postgres/harness";
import { openBeside, temporaryFolder } from "./sqlite/harness";

const TEST_MS = 60_000;
const OLD = { reports: 0, changes: 0, deliveries: FAR, deadLetters: 0 };
/** Each of the first two deliveries has more than half of what goes at once, as a schedule of seconds makes them. */
const TRIES = PRUNED_ATTEMPTS_MAX / 2 + 1;
const TRIED = `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${TRIES})
  insert into attempts (delivery_id, number, at, duration_ms) select d.id, n, n, 1 from numbers, deliveries d where d.number <= 2`;
const ENDED = "update deliveries set state = 'failed', next_attempt_at = null, ended_at = 1";

const harness = await postgresHarness();
afterAll(() => harness[Symbol.asyncDispose]());

async function expectSlices(store: Store, run: (statement: string) => Promise<void>): Promise<void> {
  await addWebhook(store, "w");
  await threeOwed(store);
  await run(ENDED);
  await run(TRIED);
  expect(await store.prune(OLD, 100)).toMatchObject({ deliveries: 2, attempts: 2 * TRIES });
  expect((await store.listDeliveries({}, FIRST_PAGE)).items.map(({ id }) => id)).toEqual(["w_0_3"]);
  expect(await store.prune(OLD, 100)).toMatchObject({ deliveries: 1, attempts: 0 });
}

test(
  "on Postgres deliveries that were tried very often are taken out a few at a time",
  async () => {
    await using opened = await harness.open();
    await expectSlices(opened.store, (statement) => onDatabase(opened.url, async (client) => void (await client.query(statement))));
  },
  TEST_MS,
);

test(
  "on SQLite deliveries that were tried very often are taken out a few at a time",
  async () => {
    using folder = temporaryFolder();
    const store = await openStore({ kind: "sqlite", file: folder.file });
    try {
      await expectSlices(store, async (statement) => {
        using beside = openBeside(folder.file);
        beside.client.exec(statement);
      });
    } finally {
      await store.close();
    }
  },
  TEST_MS,
);
