/** Fills the streams of P partitions as a fleet of sensors would, every report acknowledged by JetStream. */
import { openNats } from "../../src/jetstream/connection";
import { createReportPublisher } from "../../src/jetstream/publishReports";
import { ensureTopology } from "../../src/jetstream/topology";
import { childSettings } from "../child";
import { Fleet } from "../fleet";

const IN_FLIGHT = 500;

const { natsUrl, count, sensors, partitions } = childSettings<{ natsUrl: string; count: number; sensors: number; partitions: number }>();
const link = await openNats({ urls: [natsUrl], name: "bench-fill" });
await ensureTopology(link, partitions);
const publisher = createReportPublisher(link, partitions);
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
