import { afterAll, beforeAll, expect, test } from "bun:test";
import Database from "better-sqlite3";
import { ServiceNode } from "../../chaos/node";
import { openStore } from "../../src/store/open";
import { runCommand } from "../cli/command";
import { type TestNats, startNatsServer } from "../servers/natsServer";
import { onDatabase, startPostgres, type TestPostgres } from "../servers/postgres";
import { SECRETS_KEY, startTocsin } from "../servers/tocsin";
import { until } from "../until";

/** When migrations were made that only later programs know. */
const LATER = [Date.UTC(2100, 0), Date.UTC(2100, 1)];

let postgres: TestPostgres;
let nats: TestNats;
beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(), startNatsServer({ partitions: 1 })]);
});
afterAll(async () => {
  await nats.stop();
  await postgres[Symbol.asyncDispose]();
});

async function expectWarnings(env: Record<string, string>): Promise<void> {
  const examined = await runCommand(["doctor", "--json"], env);
  const { findings } = JSON.parse(examined.stdout) as { findings: { subject: string; level: string; text: string }[] };
  const [database, tables] = ["database", "tables"].map((subject) => findings.find((finding) => finding.subject === subject));
  expect(database).toMatchObject({ level: "ok", text: expect.stringContaining("tables of a newer version") as string });
  expect(tables).toMatchObject({ level: "warn", text: "newer than this program: 2 migrations are not known to it" });
  const migrated = await runCommand(["migrate"], env);
  expect(migrated).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^the tables are newer than this program, and/) as string });
}

test("on a file that a newer program brought up to date a start warns and works, and so do doctor and migrate", async () => {
  await using tocsin = await startTocsin();
  expect(tocsin.wholeOutput()).not.toContain("tables.newer");
  await tocsin.stop();
  const database = new Database(tocsin.dbFile);
  for (const at of LATER) database.prepare("insert into __drizzle_migrations (hash, created_at) values ('', ?)").run(at);
  database.close();

  await tocsin.start();
  await until(() => /"event.action":"tables.newer","unknown":2/.test(tocsin.wholeOutput()));
  expect((await tocsin.api("/v1/sensors")).status).toBe(200);
  await tocsin.stop();
  await expectWarnings({ DATA_DIR: tocsin.dataDir });
});

test("on a Postgres that a newer program brought up to date a node warns and works, and so do doctor and migrate", async () => {
  const databaseUrl = await postgres.createDatabase();
  await using node = await ServiceNode.prepare({ name: "old", databaseUrl, natsUrls: [nats.url], partitions: 1 });
  const store = await openStore({ kind: "postgres", url: databaseUrl });
  expect(await store.unknownMigrations()).toBe(0);
  await store.close();
  await onDatabase(databaseUrl, async (client) => {
    for (const at of LATER) await client.query("insert into drizzle.__drizzle_migrations (hash, created_at) values ('', $1)", [at]);
  });

  await node.start();
  await until(() => /"event.action":"tables.newer","unknown":2/.test(node.output()));
  expect((await node.api("/v1/sensors")).status).toBe(200);
  await node.stop();
  await expectWarnings({ DATABASE_URL: databaseUrl, NATS_URL: nats.url, SECRETS_KEY });
});
