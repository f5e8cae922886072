import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SETTINGS_DEFAULT } from "../../src/domain/webhook";
import { openStore } from "../../src/store/open";
import type { Store } from "../../src/store/store";
import { onDatabase, startPostgres } from "../servers/postgres";
import { Owner } from "./conformance/owner";
import { delivered, Planner } from "./conformance/planner";
import { FIRST_PAGE } from "./conformance/samples";
import { openBeside, temporaryFolder } from "./sqlite/harness";

const FOLDER = join(import.meta.dir, "../../drizzle");
const SETTINGS = "add_webhook_settings_events_and_replays";
const ERASURE = "add_audit_idempotency_statuses_and_shared_secrets";
const SEARCH = "add_search_groups";
const TEST_MS = 60_000;

/** What a database of the version before a migration was made by: its statements, and drizzle's record of them. */
function madeBefore(dialect: "postgres" | "sqlite", name: string): { statements: string[]; applied: number[] } {
  const journal = JSON.parse(readFileSync(join(FOLDER, dialect, "meta/_journal.json"), "utf8")) as {
    entries: { tag: string; when: number }[];
  };
  const end = journal.entries.findIndex(({ tag }) => tag.endsWith(name));
  if (end <= 0) throw new Error(`no migration comes before ${name}`);
  const before = journal.entries.slice(0, end);
  const statements = before.flatMap(({ tag }) =>
    readFileSync(join(FOLDER, dialect, `${tag}.sql`), "utf8").split("--> statement-breakpoint"),
  );
  return { statements, applied: before.map(({ when }) => when) };
}

/** A webhook, its version, and two deliveries of one lane, the first of which was tried. */
const ROWS = [
  `insert into webhooks (id, url, filter, state, description, concurrency, secrets, version, created_at, updated_at, last_success_at, failing_since)
   values ('w', 'https://receiver.example/', '{"to":["open"]}', 'active', 'of old', 7, '["whsec_b2xk","whsec_bmV3"]', 3, 1, 2, 5, 6)`,
  `insert into webhook_versions (webhook_id, version, filter, state, deleted, after) values ('w', 3, '{"to":["open"]}', 'active', false, '{}')`,
  ...[1, 2].map(
    (number) =>
      `insert into deliveries (id, webhook_id, partition, number, sensor_id, revision, state, planned_at, owed_since, next_attempt_at, lane_failures)
       values ('w_0_${number}', 'w', 0, ${number}, 'a', ${number}, 'pending', 10, 10, ${number === 1 ? 20 : "null"}, ${number === 1 ? 1 : 0})`,
  ),
  "insert into attempts (delivery_id, number, at, duration_ms, status_code) values ('w_0_1', 1, 15, 1, 503)",
];

async function expectKept(store: Store): Promise<void> {
  expect(await store.listWebhooks(FIRST_PAGE)).toEqual({
    items: [
      {
        id: "w",
        url: "https://receiver.example/",
        filter: { to: ["open"] },
        state: "active",
        stateReason: null,
        description: "of old",
        concurrency: 7,
        settings: SETTINGS_DEFAULT,
        credentials: 'plain:["whsec_b2xk","whsec_bmV3"]',
        version: 3,
        createdAt: 1,
        updatedAt: 2,
        lastSuccessAt: 5,
        failingSince: 6,
        heldUntil: null,
      },
    ],
    nextCursor: null,
  });
  expect((await store.webhookSet()).versions).toEqual([
    {
      webhookId: "w",
      version: 3,
      filter: { to: ["open"] },
      state: "active",
      deleted: false,
      terms: { changes: true, begins: "lane", minIntervalMs: 0 },
      after: {},
    },
  ]);
  const owner = await Owner.of(store);
  const planner = await Planner.of(store);
  await owner.change(["b", "b"]);
  await planner.settle(delivered(await planner.head("w", "a")));
  expect((await store.getDelivery("w_0_1"))?.attempts).toMatchObject([{ at: 15, response: null }, { statusCode: 200 }]);
  expect(await planner.head("w", "a")).toMatchObject({ id: "w_0_2", laneFailures: 0 });
}

/** Of partition 0 the first two changes are no longer kept, of partition 1 none is, of partition 2 all are, and partition 3 had none. */
const PRUNED_ROWS = [
  ...[4, 7, 1, 0].map(
    (last, partition) =>
      `insert into partitions (role, partition, change_number, published) values ('ingest', ${partition}, ${last}, ${last})`,
  ),
  ...[
    [0, 3],
    [0, 4],
    [2, 1],
  ].map(
    ([partition, number]) =>
      `insert into changes (partition, number, sensor_id, revision, kind, occurred_at, recorded_at, data)
       values (${partition}, ${number}, 's${partition}', ${number}, 'status', 1, 1, '{}')`,
  ),
];

async function expectMissed(store: Store): Promise<void> {
  const missed = async (from: readonly number[]) =>
    (await store.readChanges({ from, range: {}, order: "asc" }, { rows: 10, bytes: 1000 })).missed;
  expect(await Promise.all([[], [1, 5, 0, 0], [2, 7, 1, 0], [3, 7]].map(missed))).toEqual([9, 3, 0, 0]);
}

const SENSOR_ROWS = ["North pump", "South pump", "gone"].map(
  (name, index) =>
    `insert into sensors (id, partition, name, labels, metadata, version, life, registry_version, created_at, updated_at, deleted_at, search_text)
     values ('s${index}', 0, '${name}', '{}', '{}', 1, 1, 0, 0, 0, ${name === "gone" ? 1 : "null"}, 's${index}\n${name.toLowerCase()}')`,
);

async function expectFound(store: Store): Promise<void> {
  const found = async () => (await store.listSensors({ q: "PUMP" }, FIRST_PAGE)).items.map(({ sensor }) => sensor.id);
  expect(await found()).toEqual(["s0", "s1"]);
  let grouped = 0;
  for (let more = true; more;) {
    const step = await store.indexTexts(1);
    grouped += step.sensors;
    more = step.more;
  }
  expect([grouped, await found()]).toEqual([3, ["s0", "s1"]]);
}

interface Before {
  readonly version: string;
  readonly before: string;
  readonly rows: readonly string[];
  readonly expected: (store: Store) => Promise<void>;
}

const BEFORE: readonly Before[] = [
  { version: "before settings", before: SETTINGS, rows: ROWS, expected: expectKept },
  { version: "before histories were erased", before: ERASURE, rows: PRUNED_ROWS, expected: expectMissed },
  { version: "before texts were grouped", before: SEARCH, rows: SENSOR_ROWS, expected: expectFound },
];

test.each(BEFORE)("what is in a file of the version $version is there as it was, and goes on", async ({ before, rows, expected }) => {
  using folder = temporaryFolder();
  const { statements, applied } = madeBefore("sqlite", before);
  {
    using database = openBeside(folder.file);
    for (const statement of statements) database.client.exec(statement);
    database.client.exec("create table __drizzle_migrations (id serial primary key, hash text not null, created_at numeric)");
    for (const when of applied) database.client.prepare("insert into __drizzle_migrations (hash, created_at) values ('', ?)").run(when);
    for (const row of rows) database.client.exec(row);
  }
  const store = await openStore({ kind: "sqlite", file: folder.file });
  await expected(store);
  await store.close();
});

test.each(BEFORE)(
  "what is in a Postgres of the version $version is there as it was, and goes on",
  async ({ before, rows, expected }) => {
    await using server = await startPostgres(["fsync=off"]);
    const url = await server.createDatabase();
    const { statements, applied } = madeBefore("postgres", before);
    await onDatabase(url, async (client) => {
      for (const statement of statements) await client.query(statement);
      await client.query("create schema drizzle");
      await client.query("create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)");
      for (const when of applied) {
        await client.query("insert into drizzle.__drizzle_migrations (hash, created_at) values ('', $1)", [when]);
      }
      for (const row of rows) await client.query(row);
    });
    const store = await openStore({ kind: "postgres", url });
    await expected(store);
    await store.close();
  },
  TEST_MS,
);
