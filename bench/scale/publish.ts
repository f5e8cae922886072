/** Fills the stream with reports of sensors that are known already, each drawn by chance, every report acknowledged by JetStream. */
import { openNats } from "../../src/jetstream/connection";
import { createReportPublisher } from "../../src/jetstream/publishReports";
import { ensureTopology } from "../../src/jetstream/topology";
import { childSettings } from "../child";
import { CHANGE_SHARE, Fleet } from "../fleet";
import type { PublishSettings } from "./cost";

const IN_FLIGHT = 500;
const SEED = 1;

const { natsUrl, count, sensors } = childSettings<PublishSettings>();
const link = await openNats({ urls: [natsUrl], name: "bench-fill" });
await ensureTopology(link, 1);
const publisher = createReportPublisher(link, 1);
const fleet = new Fleet(sensors, CHANGE_SHARE, SEED, true);
const encoder = new TextEncoder();
let left = count;

async function publish(): Promise<void> {
  while (left > 0) {
    left -= 1;
    const { sensorId, payload } = fleet.next(Date.now());
    await publisher.publish(sensorId, encoder.encode(payload));
  }
}

await Promise.all(Array.from({ length: IN_FLIGHT }, publish));
await link.close();
console.log("{}");
process.exit(0);
