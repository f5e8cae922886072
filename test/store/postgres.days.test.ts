import { afterAll, describe, expect, test } from "bun:test";
import pg from "pg";
import { openStore } from "../../src/store/open";
import type { Store } from "../../src/store/store";
import { Owner } from "./conformance/owner";
import { FIRST_PAGE, reportOf } from "./conformance/samples";
import { midnightIsFar } from "../midnight";
import { onDatabase } from "../servers/postgres";
import { postgresHarness } from "./postgres/harness";

await midnightIsFar();
const harness = await postgresHarness();
afterAll(() => harness[Symbol.asyncDispose]());

const DAY_MS = 24 * 3600 * 1000;
const NOTHING = { reports: 0, changes: 0, deliveries: 0, deadLetters: 0 };

function dayAfter(days: number): number {
  return (Math.floor(Date.now() / DAY_MS) + days) * DAY_MS;
}

function tableOf(day: number): string {
  return `reports_${new Date(day).toISOString().slice(0, 10).replaceAll("-", "")}`;
}

async function tables(url: string): Promise<string[]> {
  const { rows } = await onDatabase(url, (client) =>
    client.query<{ name: string }>("select relname as name from pg_class where relkind = 'r' and relname like 'reports%' order by 1"),
  );
  return rows.map(({ name }) => name);
}

/** Makes a day by hand, `rows` of a sensor in it. */
async function addDay(url: string, day: number, rows: number): Promise<void> {
  await onDatabase(url, async (client) => {
    await client.query(`create table ${tableOf(day)} partition of reports for values from (${day}) to (${day + DAY_MS})`);
    await client.query(
      `insert into reports (partition, generation, sequence, sensor_id, status, received_at, recorded_at, disposition, stream)
       select 0, 1, n, 'old', 'ok', ${day} + n, ${day} + n, 'unchanged', 'REPORTS_1_0' from generate_series(1, ${rows}) n`,
    );
  });
}

async function sequencesOf(store: Store, sensorId: string): Promise<number[]> {
  const { items } = await store.listReports(sensorId, { range: {}, order: "asc" }, FIRST_PAGE);
  return items.map(({ sequence }) => sequence);
}

/** Somebody in the middle of reading reports, until it is disposed of. */
async function reader(url: string, statement = "select count(*) from reports"): Promise<AsyncDisposable> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query("begin isolation level repeatable read");
  await client.query(statement);
  return { [Symbol.asyncDispose]: () => client.end() };
}

describe("the days of reports on Postgres", () => {
  test("are there for today and a week to come once a store was opened, and no table takes what has no day", async () => {
    await using opened = await harness.open();
    expect(await tables(opened.url)).toEqual(Array.from({ length: 8 }, (_, index) => tableOf(dayAfter(index))));
    const { rows } = await onDatabase(opened.url, (client) => client.query("select partdefid from pg_partitioned_table"));
    expect(rows).toEqual([{ partdefid: 0 }]);
    expect(await opened.store.prepareDays(3)).toBe(7);
    expect(await opened.store.prepareDays(9)).toBe(9);
    expect(await tables(opened.url)).toHaveLength(10);
  });

  test("have the keys, the indexes and the order of texts that the whole has", async () => {
    await using opened = await harness.open();
    const described = await onDatabase(opened.url, async (client) => {
      const indexes = "select count(*)::int as count from pg_index where indrelid = $1::regclass";
      const collations =
        "select attname, attcollation::regcollation::text as c from pg_attribute where attrelid = $1::regclass and attnum > 0";
      const of = async (table: string) => [
        (await client.query(indexes, [table])).rows,
        (await client.query(`${collations} order by attnum`, [table])).rows,
      ];
      return [await of("reports"), await of(tableOf(dayAfter(7)))];
    });
    expect(described[1]).toEqual(described[0]);
    expect(JSON.stringify(described[0])).toContain('\\"C\\"');
  });

  test("are made once by ten who make them at once", async () => {
    await using opened = await harness.open();
    const stores = await Promise.all(Array.from({ length: 9 }, () => openStore({ kind: "postgres", url: opened.url })));
    const made = await Promise.all([opened.store, ...stores].map((store) => store.prepareDays(20)));
    expect(made).toEqual(made.map(() => 20));
    expect(await tables(opened.url)).toHaveLength(21);
    for (const store of stores) await store.close();
  });

  test("are made while somebody has been reading for long", async () => {
    await using opened = await harness.open();
    await using _ = await reader(opened.url);
    const owner = await Owner.of(opened.store);
    const preparing = opened.store.prepareDays(12);
    await owner.commit({ reports: [reportOf(1, "a")] });
    expect(await preparing).toBe(12);
  });

  test("a commit finds none, it makes the one that it needs: after midnight, when nobody prepared it", async () => {
    await using opened = await harness.open();
    const { store, url } = opened;
    const owner = await Owner.of(store);
    await owner.commit({ reports: [reportOf(1, "a")] });
    // The partition's clock never goes back: this is as if that day had begun.
    const later = dayAfter(30) + 5;
    await onDatabase(url, (client) => client.query("update partitions set recorded_at = $1", [later]));
    expect(await owner.commit({ reports: [reportOf(2, "a")] })).toBe(later);
    expect(await tables(url)).toContain(tableOf(later));
    expect(await sequencesOf(store, "a")).toEqual([1, 2]);
    // Two owners on two nodes may find out at once.
    await onDatabase(url, (client) => client.query("update partitions set recorded_at = $1", [later + DAY_MS]));
    const others = [await Owner.of(store, 1), await Owner.of(store, 2)];
    await onDatabase(url, (client) => client.query("update partitions set recorded_at = $1", [later + 2 * DAY_MS]));
    await Promise.all(others.map((each, index) => each.commit({ reports: [reportOf(1, `b${index}`)] })));
    expect(await sequencesOf(store, "b1")).toEqual([1]);
  });
});

describe("an old day of reports on Postgres", () => {
  test("goes at once and whole, whatever the limit, and what is younger stays", async () => {
    await using opened = await harness.open();
    const { store, url } = opened;
    for (const days of [-3, -2, -1]) await addDay(url, dayAfter(days), 50);
    await onDatabase(url, (client) => client.query("analyze reports"));
    await (await Owner.of(store)).commit({ reports: [reportOf(1, "a")] });
    expect(await store.prune({ ...NOTHING, reports: dayAfter(-1) }, 1)).toMatchObject({ reports: 100 });
    expect((await tables(url)).slice(0, 2)).toEqual([tableOf(dayAfter(-1)), tableOf(dayAfter(0))]);
    expect(await sequencesOf(store, "old")).toHaveLength(50);
    expect(await sequencesOf(store, "a")).toEqual([1]);
  });

  test("that a time cuts goes by slices before it", async () => {
    await using opened = await harness.open();
    const { store, url } = opened;
    await addDay(url, dayAfter(-1), 10);
    await Owner.of(store);
    const before = { ...NOTHING, reports: dayAfter(-1) + 8 };
    expect(await store.prune(before, 5)).toMatchObject({ reports: 5 });
    expect(await store.prune(before, 5)).toMatchObject({ reports: 2 });
    expect(await store.prune(before, 5)).toMatchObject({ reports: 0 });
    expect(await sequencesOf(store, "old")).toEqual([8, 9, 10]);
  });

  test("goes while others read and commit, and nobody waits for it", async () => {
    await using opened = await harness.open();
    const { store, url } = opened;
    await addDay(url, dayAfter(-1), 10);
    const owner = await Owner.of(store);
    let pruning: Promise<unknown>;
    let done = false;
    {
      // Detaching waits for whoever looks at the table, this one among them.
      await using _ = await reader(url);
      pruning = store.prune({ ...NOTHING, reports: dayAfter(0) }, 1000).finally(() => (done = true));
      for (let round = 1; round <= 20; round += 1) {
        await owner.commit({ reports: [reportOf(round, "a")] });
        await sequencesOf(store, "a");
      }
      expect(done).toBe(false);
      expect(await sequencesOf(store, "a")).toHaveLength(20);
    }
    await pruning;
    expect(await tables(url)).not.toContain(tableOf(dayAfter(-1)));
  });

  test("whose dropping was interrupted is dropped by the next who comes", async () => {
    await using opened = await harness.open();
    const { store, url } = opened;
    for (const days of [-3, -2, -1]) await addDay(url, dayAfter(days), 10);
    await onDatabase(url, (client) => client.query(`alter table reports detach partition ${tableOf(dayAfter(-3))}`));
    {
      await using _ = await reader(url);
      const detach = `alter table reports detach partition ${tableOf(dayAfter(-1))} concurrently`;
      await onDatabase(url, async (client) => {
        await client.query("set statement_timeout = 300");
        await expect(client.query(detach)).rejects.toMatchObject({ code: "57014" });
      });
    }
    await store.prune({ ...NOTHING, reports: dayAfter(0) }, 1000);
    expect((await tables(url))[0]).toBe(tableOf(dayAfter(0)));
    await (await Owner.of(store)).commit({ reports: [reportOf(1, "a")] });
  });

  test("is dropped by one of several who come at once", async () => {
    await using opened = await harness.open();
    await addDay(opened.url, dayAfter(-1), 10);
    const other = await openStore({ kind: "postgres", url: opened.url });
    const pruned = [opened.store, other, opened.store].map((store) => store.prune({ ...NOTHING, reports: dayAfter(0) }, 1000));
    await Promise.all(pruned);
    expect((await tables(opened.url))[0]).toBe(tableOf(dayAfter(0)));
    await other.close();
  });
});
