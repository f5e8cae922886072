/** The service's own ingest: from the first message read after the warm-up to the last commit and the last published change. */
import { createCommits } from "../../src/ingest/commits";
import { Ingest } from "../../src/ingest/ingest";
import { createSensorMemory } from "../../src/ingest/sensorCache";
import { SensorCount } from "../../src/ingest/sensorCount";
import { openNats } from "../../src/jetstream/connection";
import { partitionStream } from "../../src/jetstream/partitionStream";
import { openStore } from "../../src/store/open";
import { createEvents } from "../../src/telemetry/events";
import { openLog } from "../../src/telemetry/log";
import { openMetrics } from "../../src/telemetry/metrics";
import { childSettings } from "../child";
import type { SideSettings } from "../pipeline";
import { Stopwatch } from "./stopwatch";
import { renewChanges } from "./stream";

const LEASE_TTL_MS = 60_000;

const { natsUrl, store: config, warmUp, reports } = childSettings<SideSettings>();
await renewChanges(natsUrl);
const store = await openStore(config);
await store.fixPartitionCount(1, 1);
const acquired = await store.acquireLease({ role: "ingest", partition: 0, owner: "bench", ttlMs: LEASE_TTL_MS, takeOver: true });
if (acquired === null) throw new Error("the lease of a new database is free");
const publishing = await openNats({ urls: [natsUrl], name: "bench-publish" });
const consuming = await openNats({ urls: [natsUrl], name: "bench-consume" });

const done = Promise.withResolvers<void>();
const stopwatch = new Stopwatch();
let cursor = 0;
let changes = 0;
let published = 0;
const finish = () => {
  if (cursor >= warmUp + reports && published >= changes) done.resolve();
};
const events = {
  ...createEvents(openLog("warn"), openMetrics()),
  batchCommitted(batch: { cursor: number; changes: Record<string, number> }) {
    cursor = batch.cursor;
    changes += Object.values(batch.changes).reduce((sum, count) => sum + count, 0);
    if (cursor >= warmUp) stopwatch.start(cursor);
    finish();
  },
  changesPublished(_partition: number, number: number) {
    published = number;
    finish();
  },
};

const ingest = new Ingest({
  store,
  commits: createCommits(store),
  sensorCount: new SensorCount(store),
  sensorMemory: createSensorMemory(),
  held: { lease: acquired.lease, extended() {}, lost: () => done.reject(new Error("the lease was lost")) },
  leaseTtlMs: LEASE_TTL_MS,
  position: acquired.position,
  registryVersion: acquired.registryVersion,
  partitions: 1,
  stream: partitionStream({ publishing, consuming, partitions: 1, partition: 0 }),
  registration: "open",
  sensorsMax: 1_000_000,
  events,
});
await done.promise;
const answer = stopwatch.stop(cursor);
await ingest.stop();
await store.close();
await publishing.close();
await consuming.close();
console.log(JSON.stringify(answer));
process.exit(0);
