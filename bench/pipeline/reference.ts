/**
 * What the system that Tocsin replaces did: one message at a time, one commit each, its change published before the next one is read. It
 * has the bare loop's SQL and memory of its sensors, so that it loses by nothing but the single steps.
 */
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

const stopwatch = new Stopwatch();
let committed = 0;
let batch: JsMsg[] = [];
for await (const message of stream.messages) {
  batch.push(message);
  // The warm-up is not timed: it goes in by batches, so that the timed reports find the same tables as on the other sides.
  if (committed + batch.length < warmUp && batch.length < BATCH_MESSAGES_MAX) continue;
  const changes = await database.commit(batch);
  committed += batch.length;
  batch = [];
  if (changes.length > 0) await stream.publish(changes);
  if (committed >= warmUp) stopwatch.start(committed);
  if (committed >= warmUp + reports) break;
}
const answer = stopwatch.stop(committed);
await stream.close();
await database.close();
console.log(JSON.stringify(answer));
process.exit(0);
