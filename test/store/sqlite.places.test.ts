/** The index of reports is written behind the commits: what is asked must not depend on how far it is. */
import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { openSqliteStore } from "../../src/store/sqlite/sqliteStore";
import type { Store } from "../../src/store/store";
import { REPORT_PROMISES, storeConformance } from "./conformance";
import { until } from "../until";
import { Owner } from "./conformance/owner";
import { allPages, draftOf, FIRST_PAGE, LOG_BEGINS, reportOf } from "./conformance/samples";
import { openBeside, sqliteHarness, temporaryFolder } from "./sqlite/harness";

/** Almost everything is folded at once. */
const harness = await sqliteHarness({ foldAt: 3 });
afterAll(() => harness[Symbol.dispose]());
storeConformance("SQLite, its index at their heels", harness, REPORT_PROMISES);

const SENSORS = ["a", "b"];
const FOLD_AT = 7;

/** What was said of one sensor, as the log has it. */
interface Said {
  readonly sequence: number;
  readonly sensorId: string;
  readonly id: string | null;
}

async function sequencesOf(store: Store, sensorId: string, order: "asc" | "desc", limit: number): Promise<number[]> {
  const pages = await allPages((page) => store.listReports(sensorId, { range: {}, order }, page), limit);
  return pages.map(({ sequence }) => sequence);
}

/** What was pruned may be known a little longer: it is taken out of the index in the background. */
async function demandAll(store: Store, log: readonly Said[], limit: number, pruned: readonly Said[] = []): Promise<void> {
  for (const sensorId of SENSORS) {
    const own = log.filter((said) => said.sensorId === sensorId).map(({ sequence }) => sequence);
    expect(await sequencesOf(store, sensorId, "asc", limit)).toEqual(own);
    expect(await sequencesOf(store, sensorId, "desc", limit)).toEqual(own.toReversed());
    for (const id of new Set(log.map((said) => said.id ?? "none"))) {
      const isIt = (said: Said) => said.sensorId === sensorId && said.id === id;
      const [known] = await store.knownReports([{ sensorId, reportId: id }], 0);
      const last = log.findLast(isIt);
      if (last !== undefined) expect(known).toBe(LOG_BEGINS + last.sequence);
      else expect([null, ...pruned.filter(isIt).map(({ sequence }) => LOG_BEGINS + sequence)]).toContain(known ?? null);
    }
  }
}

async function say(owner: Owner, said: readonly Said[]): Promise<void> {
  await owner.commit({ reports: said.map(({ sequence, sensorId, id }) => reportOf(sequence, sensorId, { report: { id } })) });
}

/** Deletes a sensor with what it said, two reports at a time. */
async function eraseHistoryOf(store: Store, id: string): Promise<void> {
  await store.putSensor(draftOf(id), { expected: null, reach: null });
  await store.deleteSensor(id, null, { history: "delete" });
  expect((await store.listReports(id, { range: {}, order: "asc" }, FIRST_PAGE)).items).toEqual([]);
  while ((await store.eraseHistory("", 2))?.finished === false);
}

function foldedIn(file: string): number | undefined {
  using index = openBeside(`${file}.places`);
  return index.client.prepare<[], number>("select sequence from folded").pluck().get();
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(fc.tuple(fc.constantFrom(...SENSORS), fc.option(fc.constantFrom("x", "y"))), { minLength: 1, maxLength: 9 }),
  },
  { weight: 1, arbitrary: fc.constant("reopen" as const) },
  { weight: 1, arbitrary: fc.constant("turn" as const) },
  { weight: 1, arbitrary: fc.constant("prune" as const) },
  { weight: 1, arbitrary: fc.constant("erase" as const) },
);

describe("a sensor's reports, and the ids that are known", () => {
  test("are forgotten before their erasure is said to be finished: a crash leaves none", async () => {
    using folder = temporaryFolder();
    const store = openSqliteStore(folder.file, { foldAt: FOLD_AT });
    const owner = await Owner.of(store);
    await store.createSensor(draftOf("a"));
    await owner.refresh();
    const count = 4 * FOLD_AT;
    await say(
      owner,
      Array.from({ length: count }, (_, index) => ({ sequence: index + 1, sensorId: "a", id: `m-${index}` })),
    );
    await until(() => (foldedIn(folder.file) ?? 0) > 0);
    await store.deleteSensor("a", null, { history: "delete" });
    let erased = 0;
    await until(async () => {
      const slice = await store.eraseHistory("", count);
      erased += slice?.rows.reports ?? 0;
      return slice?.finished === true;
    });
    expect(erased).toBe(count);
    {
      using index = openBeside(`${folder.file}.places`);
      expect(index.client.prepare("select * from places").all()).toEqual([]);
    }
    await store.close();
  });

  test("are all there and none twice, however far the index is, over restarts, and but for those that were pruned or deleted", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), fc.integer({ min: 1, max: 4 }), async (steps, limit) => {
        using folder = temporaryFolder();
        let store = openSqliteStore(folder.file, { foldAt: FOLD_AT });
        let owner = await Owner.of(store);
        let log: Said[] = [];
        const pruned: Said[] = [];
        let sequence = 0;
        for (const one of steps) {
          if (one === "reopen") {
            await store.close();
            store = openSqliteStore(folder.file, { foldAt: FOLD_AT });
            owner = await Owner.of(store);
          } else if (one === "turn") await new Promise((resolve) => setImmediate(resolve));
          else if (one === "prune") {
            const far = Date.now() + 1000;
            await store.prune({ reports: far, changes: 0, deliveries: 0, deadLetters: 0 }, 2);
            pruned.push(...log.splice(0, 2));
          } else if (one === "erase") {
            await eraseHistoryOf(store, "a");
            await owner.refresh();
            pruned.push(...log.filter(({ sensorId }) => sensorId === "a"));
            log = log.filter(({ sensorId }) => sensorId !== "a");
          } else {
            const said = one.map(([sensorId, id]) => ({ sequence: (sequence += 1), sensorId, id }));
            await say(owner, said);
            log.push(...said);
          }
          await demandAll(store, log, limit, pruned);
        }
        for (const sensorId of SENSORS) {
          expect(await sequencesOf(store, sensorId, "asc", limit)).toEqual(
            log.filter((said) => said.sensorId === sensorId).map((said) => said.sequence),
          );
        }
        await store.close();
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  const LOG: readonly Said[] = Array.from({ length: 40 }, (_, index) => ({
    sequence: index + 1,
    sensorId: SENSORS[index % 2] as string,
    id: `m-${index % 11}`,
  }));

  test("need no new index when the last of them went with their sensor", async () => {
    using folder = temporaryFolder();
    const store = openSqliteStore(folder.file, { foldAt: FOLD_AT });
    await say(await Owner.of(store), LOG.slice(0, FOLD_AT - 1));
    await say(await Owner.of(store), [{ sequence: FOLD_AT, sensorId: "last", id: null }]);
    await until(() => foldedIn(folder.file) === FOLD_AT);
    await eraseHistoryOf(store, "last");
    await store.close();
    {
      using index = openBeside(`${folder.file}.places`);
      index.client.exec("insert into places (sensor_id, received_at, partition, generation, sequence) values ('mark', 1, 0, 0, 0)");
    }
    const again = openSqliteStore(folder.file, { foldAt: FOLD_AT });
    await demandAll(again, LOG.slice(0, FOLD_AT - 1), 3);
    await again.close();
    using index = openBeside(`${folder.file}.places`);
    expect(index.client.prepare("select sensor_id from places where sensor_id in ('mark', 'last')").pluck().all()).toEqual(["mark"]);
  });

  test("are found again when the index was lost", async () => {
    using folder = temporaryFolder();
    const store = openSqliteStore(folder.file, { foldAt: FOLD_AT });
    await say(await Owner.of(store), LOG);
    await store.close();
    for (const file of ["", "-wal", "-shm"]) rmSync(`${folder.file}.places${file}`, { force: true });
    const again = openSqliteStore(folder.file, { foldAt: FOLD_AT });
    await demandAll(again, LOG, 3);
    await again.close();
  });

  test("are those of the log that is there, when an older copy of the database was put back beside a newer index", async () => {
    using folder = temporaryFolder();
    const before = openSqliteStore(folder.file, { foldAt: FOLD_AT });
    await say(await Owner.of(before), LOG.slice(0, 10));
    await before.close();
    copyFileSync(folder.file, `${folder.file}.copy`);
    const newer = openSqliteStore(folder.file, { foldAt: FOLD_AT });
    await say(await Owner.of(newer), LOG.slice(10));
    await newer.close();
    copyFileSync(`${folder.file}.copy`, folder.file);
    const restored = openSqliteStore(folder.file, { foldAt: FOLD_AT });
    const other = Array.from({ length: 15 }, (_, index) => ({ sequence: index + 11, sensorId: "a", id: `other-${index}` }));
    await demandAll(restored, LOG.slice(0, 10), 3);
    await say(await Owner.of(restored), other);
    await demandAll(restored, [...LOG.slice(0, 10), ...other], 3);
    await restored.close();
  });

  test("are not those of an index that was left behind when the database was lost", async () => {
    using folder = temporaryFolder();
    const before = openSqliteStore(folder.file, { foldAt: FOLD_AT });
    await say(await Owner.of(before), LOG);
    await before.close();
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${folder.file}${suffix}`, { force: true });
    const empty = openSqliteStore(folder.file, { foldAt: FOLD_AT });
    await demandAll(empty, [], 3);
    expect(await empty.knownReports([{ sensorId: "a", reportId: "m-0" }], 0)).toEqual([null]);
    await say(await Owner.of(empty), LOG.slice(0, 9));
    await demandAll(empty, LOG.slice(0, 9), 3);
    await empty.close();
  });

  test("are all there although the index is damaged", async () => {
    using folder = temporaryFolder();
    const before = openSqliteStore(folder.file, { foldAt: FOLD_AT });
    await say(await Owner.of(before), LOG);
    await before.close();
    writeFileSync(`${folder.file}.places`, "this is no database ".repeat(1000));
    const again = openSqliteStore(folder.file, { foldAt: FOLD_AT });
    await demandAll(again, LOG, 3);
    await again.close();
  });

  test("are seen by whoever else has the database open", async () => {
    using folder = temporaryFolder();
    const [owner, reader] = [openSqliteStore(folder.file, { foldAt: FOLD_AT }), openSqliteStore(folder.file, { foldAt: FOLD_AT })];
    const owning = await Owner.of(owner);
    await say(owning, LOG.slice(0, 5));
    await demandAll(reader, LOG.slice(0, 5), 2);
    await say(owning, LOG.slice(5));
    await demandAll(reader, LOG, 4);
    await owner.close();
    await reader.close();
  });
});
