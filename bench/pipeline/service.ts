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

const { natsUrl, store: config, partitions, warmUp, reports } = childSettings<SideSettings>();
await renewChanges(natsUrl, partitions);
const store = await openStore(config);
await store.fixPartitionCount(partitions, partitions);
const publishing = await openNats({ urls: [natsUrl], name: "bench-publish" });
const consuming = await openNats({ urls: [natsUrl], name: "bench-consume" });

const done = Promise.withResolvers<void>();
const stopwatch = new Stopwatch();
let committed = 0;
let changes = 0;
const published = new Map<number, number>();
const finish = () => {
  const known = [...published.values()].reduce((sum, number) => sum + number, 0);
  if (committed >= warmUp + reports && known >= changes) done.resolve();
};
const events = {
  ...createEvents(openLog("warn"), openMetrics()),
  batchCommitted(batch: { messages: number; changes: Record<string, number> }) {
    committed += batch.messages;
    changes += Object.values(batch.changes).reduce((sum, count) => sum + count, 0);
    if (committed >= warmUp) stopwatch.start(committed);
    finish();
  },
  changesPublished(partition: number, number: number) {
    published.set(partition, number);
    finish();
  },
};

const shared = { commits: createCommits(store), sensorCount: new SensorCount(store), sensorMemory: createSensorMemory() };

async function open(partition: number): Promise<Ingest> {
  const acquired = await store.acquireLease({ role: "ingest", partition, owner: "bench", ttlMs: LEASE_TTL_MS, takeOver: true });
  if (acquired === null) throw new Error("the lease of a new database is free");
  return new Ingest({
    ...shared,
    store,
    held: { lease: acquired.lease, extended() {}, lost: () => done.reject(new Error("the lease was lost")) },
    leaseTtlMs: LEASE_TTL_MS,
    position: acquired.position,
    registryVersion: acquired.registryVersion,
    partitions,
    stream: partitionStream({ publishing, consuming, partitions, partition }),
    registration: "open",
    sensorsMax: 1_000_000,
    events,
  });
}

const ingests = await Promise.all(Array.from({ length: partitions }, (_, partition) => open(partition)));
await done.promise;
const answer = stopwatch.stop(committed);
await Promise.all(ingests.map((ingest) => ingest.stop()));
await store.close();
await publishing.close();
await consuming.close();
console.log(JSON.stringify(answer));
process.exit(0);
