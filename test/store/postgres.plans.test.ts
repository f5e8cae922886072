import { afterAll, describe, expect, test } from "bun:test";
import type pg from "pg";
import { openStore } from "../../src/store/open";
import { SETTINGS_DEFAULT } from "../../src/domain/webhook";
import { Owner } from "./conformance/owner";
import { owing } from "./conformance/planner";
import { onlineState } from "./conformance/samples";
import { makeEveryCall } from "./everyCall";
import { onDatabase } from "../servers/postgres";
import { postgresHarness } from "./postgres/harness";
import { genericPlanOf, planOf, type Step, watchStatements } from "./postgres/statements";

const harness = await postgresHarness();
afterAll(() => harness[Symbol.asyncDispose]());

const TEST_MS = 240_000;
/** As many as a call may ask for and a few beside, and far from as many as there are. */
const ROWS_LOOKED_AT_MAX = 20_000;
const LARGE =
  /^(sensors|states|sensor_labels|reports|changes|deliveries|attempts|dead_letters|incidents|webhook_versions|operational_events|replays|audit|search_groups|search_waiting)/;

/** What is read from end to end, and why that does no harm. */
const SCANS: readonly (readonly [statement: RegExp, why: string])[] = [
  [/from webhook_versions where not passed/, "those that planning matches against, by an index of no others"],
  [/count\(\*\) from sensors\)/, "once for each reader that is opened"],
  [/from "replays" where state = 'running'/, "those that run, by an index of no others"],
  [/from "replays" order by "replays"\."id" desc limit/, "the first page, along the index that gives the order"],
  [/^with gone as \( delete from replays /, "jobs that people began, the oldest first; when old ones are taken out"],
  [/from audit order by number desc limit 1\)/, "the newest entry, along the key"],
  [/from "incidents" order by "incidents"\."id" desc limit/, "the first page, along the index that gives the order"],
];

const HOW_MANY = 100_000;

/** Fills the tables, so that a wrong way is a long one: under the ids, states and labels that `makeEveryCall` asks for. */
async function fill(client: pg.Client): Promise<void> {
  const numbers = `generate_series(1, ${HOW_MANY}) n`;
  const today = "(extract(epoch from date_trunc('day', now() at time zone 'utc')) * 1000)::bigint";
  for (const statement of [
    `insert into sensors (id, partition, name, labels, metadata, heartbeat_interval_seconds, version, life, registry_version, created_at,
       updated_at, deleted_at, search_text)
     select 'x' || n, n % 4, 'x', '{"site":"north","floor":"1"}', '{}', 30, 1, 1, 0, 0, 0, case when n % 50 = 0 then 1 end, 'a sensor'
     from ${numbers}`,
    `insert into sensor_labels select l.key, l.value, 'x' || n from ${numbers}, (values ('site', 'north'), ('floor', '1')) l (key, value)`,
    `insert into states (sensor_id, partition, status, severity, availability, revision, check_at, life)
     select 'x' || n, n % 4, (array['ok', 'hot'])[n % 2 + 1], (array['ok', 'warning', 'critical', 'unknown'])[n / 2 % 4 + 1],
       (array['online', 'offline', 'pending'])[n / 8 % 3 + 1], 1, 1795600000000 + n, 1 from ${numbers}`,
    `insert into reports (partition, generation, sequence, sensor_id, report_id, status, received_at, recorded_at, disposition, stream)
     select n % 4, 9, n, case when n % 100 = 0 then 'sensor-2' else 'x' || n end, n::text, 'ok', 1795600000000 + n, ${today} + n, 'unchanged', ''
     from ${numbers}`,
    `insert into changes (partition, number, sensor_id, revision, kind, occurred_at, recorded_at, data)
     select n % 4, 10000 + n, case when n % 100 = 0 then 'sensor-2' else 'x' || n end, 10000 + n, 'status', 1795600000000 + n, ${today} + n, '{}'
     from ${numbers}`,
    `insert into deliveries (id, webhook_id, partition, number, sensor_id, revision, state, planned_at, owed_since, next_attempt_at)
     select 'f' || n, case when n % 2 = 0 then 'w' else 'w' || n end, n % 4, 10000 + n, case when n % 100 = 0 then 'sensor-2' else 'x' || n end,
       1, case when n % 100 = 0 then 'pending' else (array['delivered', 'failed', 'skipped', 'suppressed'])[n % 4 + 1] end,
       1795600000000 + n, 1795600000000 + n, case when n % 100 = 0 then 1795600000000 + n end from ${numbers}`,
    `insert into attempts (delivery_id, number, at, duration_ms) select 'f' || n, 1, 0, 1 from ${numbers}`,
    `insert into dead_letters (id, stream, sequence, subject, received_at, recorded_at, reason, payload)
     select 'f' || n, 'S', n, '', 1795600000000 + n, 0, '', '' from ${numbers}`,
    `insert into operational_events (fact, kind, webhook_id, data, recorded_at)
     select 'f' || n, 'webhook.disabled', 'v', '{}', 1795600000000 + n from ${numbers}`,
    `insert into replays (id, webhook_id, since, until, which, rate_per_second, state, reached_at, after_ordinal, last_ordinal, created_at, updated_at)
     select 'f' || n, case when n % 2 = 0 then 'w' else 'w' || n end, 0, 0, 'all', 1, 'done', 0, 0, 0, 1795600000000 + n, 1795600000000 + n
     from ${numbers}`,
    `insert into audit (at, actor_kind, actor_id, actor_name, operation, target, request_id, detail)
     select 1795600000000 + n, 'token', case when n % 2 = 0 then 's' else 'x' || n end, '', case when n % 4 = 0 then 'patchSensor' else 'other' end,
       case when n % 3 = 0 then 'sensor-1' else 'x' || n end, '', '{}' from ${numbers}`,
    `insert into incidents (id, kind, partition, detail, recorded_at) select 'f' || n, '', 0, '{}', 0 from ${numbers}`,
    `insert into webhook_versions (webhook_id, version, filter, state, deleted, terms, after, passed)
     select 'v', n, '{}', 'active', false, '{}', '{}', true from ${numbers}`,
    `insert into search_groups (pass, first_id, last_id, members, trigrams)
     select 1, 'x' || n, 'x' || n, array['x' || n], array[n, n + 1, n + 2, n % 100] from ${numbers}`,
    "insert into search_progress (id, pass, reached, complete, passed, added) values (1, 1, null, true, 0, 0)",
    `insert into search_waiting select 'x' || n from generate_series(1, 100) n`,
    "analyze",
  ]) {
    await client.query(statement);
  }
}

function told(statement: string): string {
  return statement.replaceAll(/\s+/g, " ").trim();
}

function excused(statement: string): boolean {
  return SCANS.some(([of]) => of.test(told(statement)));
}

describe("on Postgres", () => {
  test(
    "every statement that the API or a worker makes goes along an index, and looks at no more than it is asked for",
    async () => {
      await using opened = await harness.open();
      await onDatabase(opened.url, fill);
      using seen = watchStatements();
      const store = await openStore({ kind: "postgres", url: opened.url });
      await makeEveryCall(store);
      await store.close();
      const statements = [...seen.statements].filter(([text]) => !/pg_class|__drizzle|^\s*(create|alter|drop) /i.test(text));
      seen[Symbol.dispose]();

      const found = await onDatabase(opened.url, async (client) => {
        await client.query("set enable_seqscan = off; set jit = off");
        const bad: string[] = [];
        let planned = 0;
        for (const [text, values] of statements) {
          const generic = await genericPlanOf(client, text);
          const run = await planOf(client, text, values);
          planned += generic.length > 0 ? 1 : 0;
          const blind = ({ what, table, led }: Step) => LARGE.test(table ?? "") && /Seq Scan|Index (Only )?Scan/.test(what) && !led;
          const wrong = [
            ...generic.filter(blind).map(({ what, table }) => `${what} on ${table}`),
            ...run.filter(({ rows }) => rows > ROWS_LOOKED_AT_MAX).map(({ what, table, rows }) => `${what} ${table ?? ""}: ${rows} rows`),
          ];
          if (wrong.length > 0) bad.push(`${told(text)}\n    ${wrong.join("\n    ")}`);
        }
        return { bad, planned };
      });
      expect(found.bad.filter((each) => !excused(each))).toEqual([]);
      expect(found.planned).toBeGreaterThan(80);
      for (const [of, why] of SCANS) expect([why, found.bad.some((each) => of.test(told(each)))]).toEqual([why, true]);
    },
    TEST_MS,
  );

  test("a backlog is put in order along its lanes, also before the database knows how much there is of it", async () => {
    await using opened = await harness.open();
    const { store, url } = opened;
    const { owner, planner } = await owing(store);
    const batches = { ...SETTINGS_DEFAULT, batch: { maxItems: 2, maxWaitMs: 0 } };
    await store.updateWebhook("w", { settings: batches }, null);
    const sensorIds = Array.from({ length: 400 }, (_, index) => `sensor-${index}`);
    await planner.owe(await owner.change(sensorIds), ["w"], { begins: "batch" });
    using seen = watchStatements();
    await store.updateWebhook("w", { settings: SETTINGS_DEFAULT }, null);
    const [text, values] = [...seen.statements].find(([each]) => each.startsWith("update deliveries d set next_attempt_at = null")) ?? [];
    seen[Symbol.dispose]();
    const steps = await onDatabase(url, async (client) => {
      await client.query("set enable_seqscan = off; set jit = off");
      return planOf(client, text ?? "", values ?? []);
    });
    const looked = steps.reduce((sum, { table, rows }) => sum + (table === null ? 0 : rows), 0);
    expect(looked).toBeWithin(sensorIds.length, 5 * sensorIds.length);
  });

  test("a report that changes nothing moves the clocks of a state on its page, and touches no index", async () => {
    await using opened = await harness.open();
    const store = await openStore({ kind: "postgres", url: opened.url });
    const owner = await Owner.of(store);
    const ids = Array.from({ length: 100 }, (_, index) => `sensor-${index}`);
    const heard = (at: number) =>
      owner.commit({
        states: ids.map((sensorId) => ({ sensorId, state: onlineState({ lastReceivedAt: at, lastReportedAt: at, atMax: at }) })),
      });
    for (let at = 1; at <= 30; at += 1) await heard(at);
    // What a connection counted is told when it ends.
    await store.close();
    const counted = "select n_tup_upd as updates, n_tup_hot_upd as kept from pg_stat_user_tables where relname = 'states'";
    const rows = await onDatabase(opened.url, async (client) => {
      for (;;) {
        const found = (await client.query<{ updates: string; kept: string }>(counted)).rows;
        if (Number(found[0]?.updates) === 29 * ids.length) return found;
        await Bun.sleep(10);
      }
    });
    expect(Number(rows[0]?.kept)).toBeGreaterThan(28 * ids.length);
  });
});
