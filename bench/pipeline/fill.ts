/** Fills a partition's stream as a fleet of sensors would, every report acknowledged by JetStream. */
import { openNats } from "../../src/jetstream/connection";
import { createReportPublisher } from "../../src/jetstream/publishReports";
import { ensureTopology } from "../../src/jetstream/topology";
import { childSettings } from "../child";
import { Fleet } from "../fleet";

const IN_FLIGHT = 500;

const { natsUrl, count, sensors } = childSettings<{ natsUrl: string; count: number; sensors: number }>();
const link = await openNats({ urls: [natsUrl], name: "bench-fill" });
await ensureTopology(link, 1);
const publisher = createReportPublisher(link, 1);
const fleet = new Fleet(sensors);
let left = count;
const encoder = new TextEncoder();

async function fill(): Promise<void> {
  while (left > 0) {
    left -= 1;
    const { sensorId, payload } = fleet.next(Date.now());
    await publisher.publish(sensorId, encoder.encode(payload));
  }
}

await Promise.all(Array.from({ length: IN_FLIGHT }, fill));
await link.close();
console.log("{}");
process.exit(0);
