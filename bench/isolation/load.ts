/** Commits changes at a steady rate, wakes the node as the publishing of them would, and receives the webhooks: one process, one clock. */
import { connect } from "@nats-io/transport-node";
import { changeSubject } from "../../src/jetstream/subjects";
import { openStore } from "../../src/store/open";
import { childSettings } from "../child";
import { ChangeWriter } from "../endpoints/changes";
import { Receivers } from "../endpoints/receivers";
import { quantile } from "../figures";
import type { LoadAnswer, LoadOrder, LoadSettings } from "../isolation";
import { answerAsked } from "../peer";

const SLICE_MS = 10;
const ARRIVE_MS = 15_000;
const CHANGE_ID = /"changeId":"([^"]+)"/;

const settings = childSettings<LoadSettings>();
const committedAt = new Map<string, number>();
const arrivedAt = new Map<string, number>();
const receivers = new Receivers(settings.endpoints, (body) => {
  const id = CHANGE_ID.exec(body)?.[1] as string;
  if (!arrivedAt.has(id)) arrivedAt.set(id, performance.now());
});
const store = await openStore(settings.store);
const connection = await connect({ servers: settings.natsUrl, noAsyncTraces: true });
const writer = await ChangeWriter.open(store, settings);

answerAsked({
  urls: () => receivers.urls,
  counts: () => ({ ...receivers.counts(), numbers: writer.numbers }),
  heal: () => receivers.heal(),
  load,
});

async function load({ rate, seconds, hanging }: LoadOrder): Promise<LoadAnswer> {
  committedAt.clear();
  arrivedAt.clear();
  receivers.hang(hanging);
  const startedAt = performance.now();
  const count = Math.round(rate * seconds);
  let [sent, lateMs] = [0, 0];
  while (sent < count) {
    const now = performance.now();
    const due = Math.min(count, Math.floor(((now - startedAt) / 1000) * rate));
    if (due > sent) {
      lateMs = Math.max(lateMs, now - startedAt - (sent / rate) * 1000);
      await commit(due - sent, hanging);
      sent = due;
    }
    await Bun.sleep(Math.max(0, SLICE_MS - (performance.now() - now)));
  }
  const tookSeconds = (performance.now() - startedAt) / 1000;
  const deadline = performance.now() + ARRIVE_MS;
  while (missing() > 0 && performance.now() < deadline) await Bun.sleep(SLICE_MS);
  const lags = [...committedAt].flatMap(([id, at]) => (arrivedAt.has(id) ? Math.max(0, (arrivedAt.get(id) as number) - at) : []));
  lags.sort((a, b) => a - b);
  return {
    p50Ms: quantile(lags, 0.5),
    p99Ms: quantile(lags, 0.99),
    maxMs: lags.at(-1) ?? Number.NaN,
    lateMs,
    perSecond: sent / tookSeconds,
    missing: missing(),
  };
}

/** Only what goes to endpoints that answer is timed. */
async function commit(count: number, hanging: number): Promise<void> {
  const changes = await writer.write(count);
  const now = performance.now();
  const { partitions } = settings;
  for (const { id, sensor } of changes) if (Number(sensor.labels["endpoint"]) >= hanging) committedAt.set(id, now);
  const touched = new Map(changes.map(({ partition, sensorId }) => [partition, sensorId]));
  for (const [partition, sensorId] of touched) connection.publish(changeSubject({ partitions, partition }, sensorId));
}

function missing(): number {
  let count = 0;
  for (const id of committedAt.keys()) if (!arrivedAt.has(id)) count += 1;
  return count;
}
