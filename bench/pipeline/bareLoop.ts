/** The batch's SQL by hand and nothing else, reading the same stream and publishing the same changes: what no service can be faster than. */
import type { JsMsg } from "@nats-io/jetstream";
import { BATCH_MESSAGES_MAX } from "../../src/ingest/batches";
import { childSettings } from "../child";
import type { SideSettings } from "../pipeline";
import { openByHand } from "./byHand/byHand";
import { Stopwatch } from "./stopwatch";
import { openHandStream, renewChanges } from "./stream";

const { natsUrl, store, warmUp, reports } = childSettings<SideSettings>();
await renewChanges(natsUrl);
const database = await openByHand(store);
const stream = await openHandStream(natsUrl);

const total = warmUp + reports;
const stopwatch = new Stopwatch();
let committed = 0;
let batch: JsMsg[] = [];
let publishing: Promise<void> = Promise.resolve();
for await (const message of stream.messages) {
  batch.push(message);
  if (batch.length < BATCH_MESSAGES_MAX && committed + batch.length < total) continue;
  const changes = await database.commit(batch);
  committed += batch.length;
  batch = [];
  // One batch's changes are on their way while the next one is read.
  await publishing;
  publishing = stream.publish(changes);
  if (committed >= warmUp) stopwatch.start(committed);
  if (committed >= total) break;
}
await publishing;
const answer = stopwatch.stop(committed);
await stream.close();
await database.close();
console.log(JSON.stringify(answer));
process.exit(0);
