import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SETTINGS_DEFAULT } from "../../src/domain/webhook";
import { openNats } from "../../src/jetstream/connection";
import { ensureTopology } from "../../src/jetstream/topology";
import { openStore } from "../../src/store/open";
import type { Store } from "../../src/store/store";
import { startNatsServer, type TestNats } from "../servers/natsServer";
import { startPlainNats } from "../servers/plainNats";
import { onDatabase, startPostgres, type TestPostgres } from "../servers/postgres";
import { SECRETS_KEY, startTocsin } from "../servers/tocsin";
import { temporaryFolder } from "../store/sqlite/harness";
import { runCommand } from "./command";

const SLOW_MS = 60_000;
const PARTITIONS = 4;

interface Found {
  readonly subject: string;
  readonly level: string;
  readonly text: string;
  readonly advice: string | null;
}

let postgres: TestPostgres;
let nats: TestNats;

beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(["fsync=off"]), startNatsServer({ partitions: PARTITIONS })]);
}, SLOW_MS);

afterAll(async () => {
  await Promise.all([postgres[Symbol.asyncDispose](), nats.stop()]);
});

async function doctor(env: Record<string, string>) {
  const { exitCode, stdout, stderr } = await runCommand(["doctor", "--json"], env);
  expect(stderr).toBe("");
  const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Found[] };
  expect(exitCode).toBe(ok ? 0 : 1);
  return { ok, of: (subject: string) => findings.find((finding) => finding.subject === subject), findings };
}

/** A database on which nodes have worked, as they would have left it: every partition owned in both roles. */
async function workedOn(): Promise<{ readonly url: string; readonly store: Store } & AsyncDisposable> {
  const url = await postgres.createDatabase();
  const store = await openStore({ kind: "postgres", url });
  await store.fixPartitionCount(PARTITIONS, PARTITIONS);
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    for (const role of ["ingest", "notify"] as const) {
      await store.acquireLease({ role, partition, owner: `node-${partition % 2}`, ttlMs: 60_000, takeOver: false });
    }
  }
  return {
    url,
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await postgres.dropDatabase(url);
    },
  };
}

async function withStreams(url: string, partitions: number): Promise<void> {
  const link = await openNats({ urls: [url], name: "test" });
  await ensureTopology(link, partitions);
  await link.close();
}

test("where all is well it says so of each thing, and ends with 0", async () => {
  await using database = await workedOn();
  await withStreams(nats.url, PARTITIONS);
  const env = { DATABASE_URL: database.url, NATS_URL: nats.url, ADMIN_TOKEN: "0123456789abcdef", SECRETS_KEY };
  const { ok, findings, of } = await doctor(env);
  expect(findings.filter(({ level, subject }) => level !== "ok" && subject !== "broker")).toEqual([]);
  expect(ok).toBe(true);
  expect(of("database")?.text).toContain(`${PARTITIONS} partitions`);
  expect(of("ingest leases")?.text).toBe("node-0: 0, 2; node-1: 1, 3");
  expect(of("room for reports")?.text).toBe("today and 7 more days");
  expect(of("mapping")?.level).toBe("ok");
});

test("for people it prints a line each, and what to do below", async () => {
  await using database = await workedOn();
  await withStreams(nats.url, PARTITIONS);
  await database.store.releaseLease({ role: "notify", partition: 2, owner: "node-0", epoch: 1 });
  const { exitCode, stdout } = await runCommand(["doctor"], { DATABASE_URL: database.url, NATS_URL: nats.url });
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^ok {4}database {10}postgres at postgres:\/\/127\.0\.0\.1/m);
  expect(stdout).toMatch(/^FAIL {2}notify leases {5}nobody works on partition 2 of 4; .*\n {24}start a node with the role notify/m);
  expect(stdout).not.toContain("tocsin@");
});

test("partitions that nobody owns FAIL, and those whose lease was not taken over in 10 seconds; one that just ended is a warning", async () => {
  await using database = await workedOn();
  const env = { DATABASE_URL: database.url, NATS_URL: nats.url };
  const endedAgo = (ms: number, partitions: string) =>
    onDatabase(database.url, (client) =>
      client.query(
        `update partitions set lease_until = (extract(epoch from clock_timestamp()) * 1000)::bigint - ${ms}
         where role = 'ingest' and partition in (${partitions})`,
      ),
    );
  // Just long enough not to pass for a difference of clocks.
  await endedAgo(2100, "1");
  expect((await doctor(env)).of("ingest leases")).toMatchObject({ level: "warn" });
  await endedAgo(15_000, "0, 1");
  const { ok, of } = await doctor(env);
  expect(ok).toBe(false);
  expect(of("ingest leases")).toMatchObject({ level: "fail" });
  expect(of("ingest leases")?.text).toStartWith("nobody works on partitions 0–1 of 4; ");
});

test("where nobody could speak with the API for want of a token, it warns", async () => {
  await using database = await workedOn();
  const env = { DATABASE_URL: database.url, NATS_URL: nats.url };
  expect((await doctor(env)).of("admin token")).toMatchObject({ level: "warn" });
  expect((await doctor({ ...env, ADMIN_TOKEN: "0123456789abcdef" })).of("admin token")).toBeUndefined();
  await database.store.createToken({ id: "tok_a", name: "a", hash: "00", scopes: ["admin"], expiresAt: null });
  expect((await doctor(env)).of("admin token")).toBeUndefined();
});

test("a broker without the mapping FAILs, with the lines to add", async () => {
  await using database = await workedOn();
  await using plain = await startPlainNats();
  await withStreams(plain.url, PARTITIONS);
  const { ok, of } = await doctor({ DATABASE_URL: database.url, NATS_URL: plain.url });
  expect(ok).toBe(false);
  expect(of("mapping")).toMatchObject({ level: "fail" });
  expect(of("mapping")?.advice).toContain('"sensors.*.status": "reports.4.{{partition(4,1)}}.{{wildcard(1)}}"');
  expect(of("streams")?.level).toBe("ok");
});

test("a broker that wants a password FAILs, with where to give it, and lets in whoever gives it", async () => {
  await using database = await workedOn();
  await using plain = await startPlainNats();
  await plain.configure('authorization { user: tocsin, password: "p@ss" }', { user: "tocsin", pass: "p@ss" });
  const without = await doctor({ DATABASE_URL: database.url, NATS_URL: plain.url });
  expect(without.of("broker")).toMatchObject({ level: "fail", text: expect.stringContaining("refuses to let us in") });
  expect(without.of("broker")?.advice).toContain("nats://user:password@host");
  using folder = temporaryFolder();
  const file = join(dirname(folder.file), "nats-url");
  writeFileSync(file, `${plain.url.replace("//", "//tocsin:p%40ss@")}\n`);
  const within = await doctor({ DATABASE_URL: database.url, NATS_URL_FILE: file });
  expect(within.of("broker")?.level).toBe("ok");
}, 60_000);

test("a stream that is missing, and one that is not as wanted, FAIL by their names; nothing is made", async () => {
  await using database = await workedOn();
  await withStreams(nats.url, PARTITIONS);
  const link = await openNats({ urls: [nats.url], name: "test" });
  const { config } = await link.api.streams.info("CHANGES_4_1");
  await link.api.streams.update("CHANGES_4_1", { ...config, max_bytes: 1024 * 1024 });
  const env = { DATABASE_URL: database.url, NATS_URL: nats.url };
  const changed = await doctor(env);
  expect(changed.of("streams")).toMatchObject({ level: "fail" });
  expect(changed.of("streams")?.text).toContain("of CHANGES_4_1 max_bytes is 1048576, not");
  await link.api.streams.delete("CHANGES_4_1");
  const missing = await doctor(env);
  expect(missing.of("streams")).toMatchObject({ level: "fail", text: "missing: CHANGES_4_1" });
  expect((await doctor(env)).of("streams")?.text).toBe("missing: CHANGES_4_1");
  await link.close();
});

test("reports that nobody takes in, changes that nobody publishes, an incident and days that run out are told", async () => {
  await using database = await workedOn();
  await withStreams(nats.url, PARTITIONS);
  await onDatabase(database.url, async (client) => {
    await client.query("update partitions set change_number = 6000, cursor = 1000000 where role = 'ingest' and partition = 1");
    const now = "(extract(epoch from clock_timestamp()) * 1000)::bigint";
    await client.query(
      `insert into incidents (id, kind, partition, detail, recorded_at)
       values ('a', 'stream.gap', 1, '{}', ${now}), ('b', 'stream.gap', 1, '{}', ${now} - 2 * 86400000)`,
    );
    const { rows } = await client.query<{ name: string }>(
      "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'reports'::regclass order by 1 desc limit 6",
    );
    for (const { name } of rows) await client.query(`drop table ${name}`);
  });
  const { of } = await doctor({ DATABASE_URL: database.url, NATS_URL: nats.url });
  expect(of("published changes")).toMatchObject({ level: "warn", text: "6000 changes behind what is recorded" });
  expect(of("planned changes")?.level).toBe("warn");
  expect(of("incidents")).toMatchObject({ level: "warn", text: "in the last day: 1 × stream.gap" });
  expect(of("room for reports")).toMatchObject({ level: "warn", text: "today and 1 more day" });
  expect(of("reports to take in")?.text).toContain("ahead of REPORTS_4_1");
});

test("webhooks' secrets that no node could open FAIL, whether it is given no key or another", async () => {
  await using database = await workedOn();
  const env = { DATABASE_URL: database.url, NATS_URL: nats.url };
  const without = (await doctor(env)).of("webhooks' secrets");
  expect(without?.level).toBe("fail");
  expect(without?.text).toContain("openssl rand -base64 32");
  expect((await doctor({ ...env, ROLES: "ingest" })).of("webhooks' secrets")).toBeUndefined();
  const rest = { filter: {}, description: "", concurrency: 1, settings: SETTINGS_DEFAULT };
  await database.store.createWebhook({ id: "wh_1", url: "https://example.org/", ...rest, credentials: "v1.00c0ffee.AAAA.AAAA" });
  const other = (await doctor({ ...env, SECRETS_KEY })).of("webhooks' secrets");
  expect(other).toMatchObject({ level: "fail", text: "some are sealed with key 00c0ffee, which is not at hand" });
  expect(other?.advice).toBe("add it to SECRETS_KEY, after the first");
});

test("a key file that is lost is to be put back", async () => {
  using folder = temporaryFolder();
  const database = await openStore({ kind: "sqlite", file: folder.file });
  const webhook = { id: "wh_1", url: "https://example.org/", filter: {}, description: "", concurrency: 1, settings: SETTINGS_DEFAULT };
  await database.createWebhook({ ...webhook, credentials: "v1.00c0ffee.AAAA.AAAA" });
  await database.close();
  const { of } = await doctor({ DATA_DIR: folder.path });
  expect(of("webhooks' secrets")).toMatchObject({ level: "fail", advice: expect.stringContaining("put secrets.key back") as string });
});

test("a database whose tables were never made is left as it is", async () => {
  const url = await postgres.createDatabase();
  const { ok, of } = await doctor({ DATABASE_URL: url, NATS_URL: nats.url });
  expect(ok).toBe(false);
  expect(of("database")?.text).toContain("not those of this version");
  expect(of("database")?.advice).toBe("run tocsin migrate, or start a node");
  const tables = await onDatabase(url, (client) => client.query("select from pg_tables where schemaname = 'public'"));
  expect(tables.rowCount).toBe(0);
  await postgres.dropDatabase(url);
});

test("another P than the database's FAILs, and the rest is looked at with the database's; a database and a broker that are away, and a wrong environment FAIL", async () => {
  await using database = await workedOn();
  await withStreams(nats.url, PARTITIONS);
  const other = await doctor({ DATABASE_URL: database.url, NATS_URL: nats.url, PARTITIONS: "8" });
  expect(other.of("database")).toMatchObject({ level: "fail" });
  expect(other.of("database")?.text).toBe("PARTITIONS is 8, the database has 4");
  expect(other.of("database")?.advice).toContain("set PARTITIONS to 4");
  expect(other.of("ingest leases")?.level).toBe("ok");
  expect(other.of("mapping")?.text).toContain("4 partitions");
  const away = await doctor({ DATABASE_URL: "postgres://tocsin@127.0.0.1:1/none", NATS_URL: "nats://127.0.0.1:1" });
  expect(away.of("database")).toMatchObject({ level: "fail" });
  expect(away.of("database")?.advice).toContain("DATABASE_URL");
  expect(away.of("broker")?.level).toBe("fail");
  const wrong = await doctor({ HTTP_PORT: "many", DATABASE_URL: "mysql://db" });
  expect(wrong.findings.map(({ subject, level }) => `${subject} ${level}`)).toEqual(["configuration fail", "configuration fail"]);
});

test("beside a running Tocsin of one's own it asks that one, and says what it did not look at; once it ended it looks itself", async () => {
  await using tocsin = await startTocsin();
  const port = (url: string) => new URL(url).port;
  const env = {
    DATA_DIR: tocsin.dataDir,
    HTTP_PORT: port(tocsin.httpUrl),
    NATS_PORT: port(tocsin.natsUrl),
    MQTT_PORT: port(tocsin.mqttUrl),
  };
  const beside = await doctor(env);
  expect(beside.ok).toBe(true);
  expect(beside.of("running Tocsin")?.level).toBe("ok");
  expect(beside.of("database")).toMatchObject({ level: "unseen" });
  expect(beside.of("mapping")?.level).toBe("ok");
  await tocsin.stop();
  const after = await doctor(env);
  expect(after.ok).toBe(true);
  expect(after.of("database")).toMatchObject({ level: "ok" });
  expect(after.of("broker")).toMatchObject({ level: "unseen" });
});

test("an empty data folder is no fault", async () => {
  using folder = temporaryFolder();
  const { ok, of } = await doctor({ DATA_DIR: folder.path });
  expect(ok).toBe(true);
  expect(of("database")?.level).toBe("warn");
});
