/** Publishes reports to a partition's stream: first as many as are acknowledged with a window in flight, then one at a time. */
import { openNats } from "../../src/jetstream/connection";
import { createReportPublisher } from "../../src/jetstream/publishReports";
import { ensureTopology } from "../../src/jetstream/topology";
import { childSettings } from "../child";
import { quantile } from "../figures";
import { Fleet } from "../fleet";
import type { PublishAnswer, PublishSettings } from "../sync";

const { natsUrl, sensors, inFlight, warmUpSeconds, seconds } = childSettings<PublishSettings>();
const link = await openNats({ urls: [natsUrl], name: "bench-sync" });
await ensureTopology(link, 1);
const publisher = createReportPublisher(link, 1);
const fleet = new Fleet(sensors);
const encoder = new TextEncoder();

function publish(): Promise<unknown> {
  const { sensorId, payload } = fleet.next(Date.now());
  return publisher.publish(sensorId, encoder.encode(payload));
}

/** Acknowledgements within so many seconds, and how long that took. */
async function windowed(forSeconds: number): Promise<{ count: number; tookSeconds: number }> {
  const startedAt = performance.now();
  const end = startedAt + forSeconds * 1000;
  let count = 0;
  const lane = async () => {
    while (performance.now() < end) {
      await publish();
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { count, tookSeconds: (performance.now() - startedAt) / 1000 };
}

async function single(forSeconds: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + forSeconds * 1000;
  while (performance.now() < end) {
    const startedAt = performance.now();
    await publish();
    times.push(performance.now() - startedAt);
  }
  return times.sort((a, b) => a - b);
}

await windowed(warmUpSeconds);
const { count, tookSeconds } = await windowed(seconds);
const times = await single(seconds);
const answer: PublishAnswer = {
  perSecond: count / tookSeconds,
  p50Ms: quantile(times, 0.5),
  p99Ms: quantile(times, 0.99),
  singles: times.length,
};
await link.close();
console.log(JSON.stringify(answer));
process.exit(0);
