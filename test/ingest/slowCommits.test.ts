import { expect, test } from "bun:test";
import { Fault } from "../../src/domain/fault";
import { createCommits } from "../../src/ingest/commits";
import { Ingest } from "../../src/ingest/ingest";
import { createSensorMemory } from "../../src/ingest/sensorCache";
import { SensorCount } from "../../src/ingest/sensorCount";
import { partitionStream } from "../../src/jetstream/partitionStream";
import { openStore } from "../../src/store/open";
import type { Store } from "../../src/store/store";
import { Linked } from "../jetstream/linked";
import { quietEvents } from "../notifier/scene";
import { temporaryFolder } from "../store/sqlite/harness";
import { until } from "../until";

const REPORTS = 200;
const MANY = 60;
const TIME_OUT_MS = 2100;

/** A database that ends what it would write too long, as Postgres does at its `statement_timeout`. */
function tooSlowForMany(store: Store): Store {
  return {
    ...store,
    async commitBatch(parts) {
      if (parts.reduce((sum, { reports }) => sum + reports.length, 0) <= MANY) return store.commitBatch(parts);
      await Bun.sleep(TIME_OUT_MS);
      throw new Fault("unavailable", "the database took too long to answer");
    },
  };
}

test("a batch that is too much for the database at once goes in by parts, in order, and the next ones are smaller", async () => {
  using folder = temporaryFolder();
  await using broker = await Linked.open();
  await broker.publish(...Array.from({ length: REPORTS }, (_, index) => (index % 2 === 0 ? "hot" : "cold")));
  const opened = await openStore({ kind: "sqlite", file: folder.file });
  const store = tooSlowForMany(opened);
  const acquired = await store.acquireLease({ role: "ingest", partition: 0, owner: "test", ttlMs: 60_000, takeOver: true });
  if (acquired === null) throw new Error("the lease of a new store is free");
  const { lease, ...where } = acquired;
  const ingest = new Ingest({
    store,
    commits: createCommits(store),
    sensorCount: new SensorCount(store),
    sensorMemory: createSensorMemory(),
    held: { lease, extended() {}, lost: () => expect.unreachable("the lease was lost") },
    leaseTtlMs: 60_000,
    ...where,
    partitions: 1,
    stream: partitionStream({ publishing: broker.link, consuming: broker.link, partitions: 1, partition: 0 }),
    registration: "open",
    sensorsMax: 10,
    events: quietEvents(),
  });
  const cursor = async () => (await store.listPartitions())[0]?.cursor;
  await until(async () => (await cursor()) === REPORTS, "not all of it went in", 30_000);
  const { items } = await store.listReports("boiler-7", { range: {}, order: "asc" }, { limit: 1000, cursor: null });
  expect(items.map(({ sequence }) => sequence)).toEqual(Array.from({ length: REPORTS }, (_, index) => index + 1));
  expect(items.every(({ disposition }) => disposition === "applied")).toBe(true);
  await ingest.stop();
  await opened.close();
});
