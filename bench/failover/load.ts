/**
 * Sensors that report at a steady rate until SIGTERM; every report is a change. The partitions take turns, so that those of one partition
 * come at even distances.
 */
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { partitionOf } from "../../src/domain/sensor";
import { sensorSubject } from "../../src/jetstream/subjects";
import { childSettings } from "../child";
import type { LoadAnswer, LoadSettings } from "../failover";
import { reportText } from "../fleet";

const SLICE_MS = 2;

const { natsUrl, partitions, sensors, rate } = childSettings<LoadSettings>();
const fleet = sensorsInTurns();
const connection = await connect({ servers: natsUrl, noAsyncTraces: true });
const stream = jetstream(connection, { timeout: 10_000 });
let stopped = false;
process.on("SIGTERM", () => {
  stopped = true;
});

const startedAt = performance.now();
let sent = 0;
let acknowledged = 0;
let sendLagMaxMs = 0;
while (!stopped) {
  const due = Math.floor(((performance.now() - startedAt) / 1000) * rate);
  if (sent < due) sendLagMaxMs = Math.max(sendLagMaxMs, performance.now() - startedAt - (sent / rate) * 1000);
  for (; sent < due; sent += 1) send(sent);
  await Bun.sleep(SLICE_MS);
}
const seconds = (performance.now() - startedAt) / 1000;
while (acknowledged < sent) await Bun.sleep(SLICE_MS);
await connection.close();
console.log(JSON.stringify({ reports: sent, reportsPerSecond: sent / seconds, sendLagMaxMs } satisfies LoadAnswer));
process.exit(0);

function send(number: number): void {
  const hot = Math.floor(number / fleet.length) % 2 === 0;
  const body = reportText({ status: hot ? "overheated" : "ok", value: number % 100, at: Date.now(), id: `m-${number}` });
  stream.publish(sensorSubject(fleet[number % fleet.length] as string), body).then(
    () => {
      acknowledged += 1;
    },
    (error) => {
      console.error(`a report was not acknowledged: ${error}`);
      process.exit(1);
    },
  );
}

/** As many sensors in each partition; neighbours are of different ones. */
function sensorsInTurns(): string[] {
  const each = Math.ceil(sensors / partitions);
  const inPartition = Array.from({ length: partitions }, (): string[] => []);
  for (let index = 0, left = partitions * each; left > 0; index += 1) {
    const id = `sensor-${index}`;
    const others = inPartition[partitionOf(id, partitions)] as string[];
    if (others.length === each) continue;
    others.push(id);
    left -= 1;
  }
  return Array.from({ length: each * partitions }, (_, turn) => inPartition[turn % partitions]?.[Math.floor(turn / partitions)] as string);
}
