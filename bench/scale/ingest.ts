/**
 * The service's own ingest on a database that goes on from run to run: so many reports, the first ones to warm up. It ends with the commit
 * of the last one: what is left for the next run must not depend on how far publishing is.
 */
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
import { Stopwatch } from "../pipeline/stopwatch";
import { cpuMicrosOf } from "./processes";
import type { IngestAnswer, IngestSettings } from "./cost";

const LEASE_TTL_MS = 60_000;

const { natsUrl, store: config, databasePid, warmUp, reports, remembered } = childSettings<IngestSettings>();
const databaseCpuMicros = () => (databasePid === null ? 0 : cpuMicrosOf(databasePid));
const store = await openStore(config);
await store.fixPartitionCount(1, 1);
const acquired = await store.acquireLease({
  role: "ingest",
  partition: 0,
  owner: `bench-${process.pid}`,
  ttlMs: LEASE_TTL_MS,
  takeOver: true,
});
if (acquired === null) throw new Error("a lease is always given to who takes over");
const publishing = await openNats({ urls: [natsUrl], name: "bench-publish" });
const consuming = await openNats({ urls: [natsUrl], name: "bench-consume" });

const begin = acquired.position.cursor;
const done = Promise.withResolvers<void>();
const stopwatch = new Stopwatch();
let taken = 0;
let isTimed = false;
let timedFrom = 0;
let databaseMicros = 0;
const events = {
  ...createEvents(openLog("warn"), openMetrics()),
  batchCommitted(batch: { cursor: number }) {
    taken = batch.cursor - begin;
    if (taken >= warmUp) {
      if (!isTimed) {
        isTimed = true;
        timedFrom = taken;
        databaseMicros = databaseCpuMicros();
      }
      stopwatch.start(taken);
    }
    if (taken >= warmUp + reports) done.resolve();
  },
};

const ingest = new Ingest({
  store,
  commits: createCommits(store),
  sensorCount: new SensorCount(store),
  sensorMemory: createSensorMemory(remembered ?? undefined),
  held: { lease: acquired.lease, extended() {}, lost: () => done.reject(new Error("the lease was lost")) },
  leaseTtlMs: LEASE_TTL_MS,
  position: acquired.position,
  registryVersion: acquired.registryVersion,
  partitions: 1,
  stream: partitionStream({ publishing, consuming, partitions: 1, partition: 0 }),
  registration: "open",
  sensorsMax: Number.MAX_SAFE_INTEGER,
  events,
});
await done.promise;
const databaseMicrosPerReport = (databaseCpuMicros() - databaseMicros) / (taken - timedFrom);
const answer: IngestAnswer = { ...stopwatch.stop(taken), databaseMicros: databaseMicrosPerReport };
await ingest.stop();
await store.releaseLease(acquired.lease);
await store.close();
await publishing.close();
await consuming.close();
console.log(JSON.stringify(answer));
process.exit(0);
