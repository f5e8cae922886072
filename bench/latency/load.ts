/** A fleet that reports at a steady rate, and the webhook's receiver, in one process and on one clock. */
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { childSettings } from "../child";
import { Fleet } from "../fleet";
import { quantile } from "../figures";
import type { LoadAnswer, LoadSettings } from "../latency";

const SLICE_MS = 2;
const DRAIN_MS = 15_000;

const settings = childSettings<LoadSettings>();
/** When the report behind a change was due to leave, by sensor and value. */
const sentAt = new Map<string, number>();
const lags: number[] = [];

const receiver = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const arrived = performance.now();
    const { data } = (await request.json()) as { data: { sensorId: string; report: { value: number } | null } };
    const key = `${data.sensorId} ${data.report?.value}`;
    const left = sentAt.get(key);
    if (left !== undefined) {
      sentAt.delete(key);
      lags.push(arrived - left);
    }
    return new Response(null, { status: 204 });
  },
});

const registered = await fetch(`${settings.apiUrl}/v1/webhooks`, {
  method: "POST",
  headers: { authorization: `Bearer ${settings.token}`, "content-type": "application/json" },
  body: JSON.stringify({ url: `http://127.0.0.1:${receiver.port}/`, concurrency: 64 }),
});
if (registered.status !== 201) throw new Error(`the webhook was not registered: ${await registered.text()}`);

const connection = await connect({ servers: settings.natsUrl, noAsyncTraces: true });
const stream = jetstream(connection, { timeout: 10_000 });
const fleet = new Fleet(settings.sensors);
let sendLagMaxMs = 0;
let sent = 0;
let unacknowledged = 0;
let timedChanges = 0;

/** Every sensor once, in quick succession, so that each of them is known. */
for (let index = 0; index < settings.sensors; index += 1) publishNext(performance.now(), false);
await drained();

const startedAt = performance.now();
const endAt = startedAt + (settings.warmUpSeconds + settings.seconds) * 1000;
const timedFrom = startedAt + settings.warmUpSeconds * 1000;
let next = 0;
let timed = 0;
while (performance.now() < endAt) {
  const due = Math.floor(((performance.now() - startedAt) / 1000) * settings.rate);
  for (; next < due; next += 1) {
    const scheduled = startedAt + (next / settings.rate) * 1000;
    const inTime = scheduled >= timedFrom;
    if (inTime) {
      timed += 1;
      sendLagMaxMs = Math.max(sendLagMaxMs, performance.now() - scheduled);
    }
    publishNext(scheduled, inTime);
  }
  await Bun.sleep(SLICE_MS);
}
const lastAt = performance.now();
await drained();
const deadline = Date.now() + DRAIN_MS;
while (sentAt.size > 0 && Date.now() < deadline) await Bun.sleep(20);

lags.sort((a, b) => a - b);
const timedSeconds = (lastAt - timedFrom) / 1000;
const answer: LoadAnswer = {
  p50Ms: quantile(lags, 0.5),
  p99Ms: quantile(lags, 0.99),
  maxMs: lags.at(-1) ?? Number.NaN,
  reportsPerSecond: timed / timedSeconds,
  changesPerSecond: timedChanges / timedSeconds,
  sendLagMaxMs,
  missing: sentAt.size,
};
await connection.close();
await receiver.stop(true);
console.log(JSON.stringify(answer));
process.exit(0);

function publishNext(scheduled: number, inTime: boolean): void {
  const { sensorId, payload, changes } = fleet.next(Date.now());
  sent += 1;
  // The value alone would repeat; a running number makes the pair (sensor, value) name this report.
  const body = payload.replace(/"value":[\d.]+/, `"value":${sent}`);
  if (changes && inTime) {
    sentAt.set(`${sensorId} ${sent}`, scheduled);
    timedChanges += 1;
  }
  unacknowledged += 1;
  stream.publish(`sensors.${sensorId}.status`, body).then(
    () => {
      unacknowledged -= 1;
    },
    (error) => {
      console.error(`a report was not acknowledged: ${error}`);
      process.exit(1);
    },
  );
}

async function drained(): Promise<void> {
  while (unacknowledged > 0) await Bun.sleep(1);
}
