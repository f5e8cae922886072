/** Watchers of the live stream and the sensors whose changes they see, in one process and on one clock. */
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { childSettings } from "../child";
import { quantile } from "../figures";
import { Fleet } from "../fleet";

export interface WatchersSettings {
  readonly port: number;
  readonly natsUrl: string;
  readonly token: string;
  readonly watchers: number;
  /** `none`: all see everything. `sensor`: each sees one sensor. `status`: each has a filter of its own, by which half of the changes pass. */
  readonly filter: "none" | "sensor" | "status";
  readonly sensors: number;
  /** Changes a second. */
  readonly rate: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface WatchersAnswer {
  /** From the moment at which a report was due to leave to its change's arrival at a watcher. */
  readonly lagP50Ms: number;
  readonly lagP99Ms: number;
  readonly lagMaxMs: number;
  readonly changesPerSecond: number;
  /** Over all watchers. */
  readonly bytesPerSecond: number;
  /** Streams that ended. */
  readonly ended: number;
  /** Changes that watchers whose arrivals are counted should have seen, and did not. */
  readonly missing: number;
  /** Of this process, in the time that counts: near 1 it was the bottleneck. */
  readonly cpuShare: number;
}

const SLICE_MS = 2;
const DRAIN_MS = 10_000;
/** Of so many watchers each arrival is timed where all see the same; of the others the bytes are counted. */
const TIMED_MAX = 20;
const CONNECTING_AT_ONCE = 50;

interface Watching {
  readonly timed: boolean;
  /** What came behind the last whole event, where arrivals are timed. */
  text: string;
}

const settings = childSettings<WatchersSettings>();
const { port, watchers, filter, sensors, rate } = settings;
/** When the report was due to leave whose value is the index. */
const dueAt: number[] = [];
const lags: number[] = [];
let timedFrom = Infinity;
let bytes = 0;
let ended = 0;
let over = false;
let owed = 0;
let seen = 0;

function queryOf(index: number): string {
  if (filter === "sensor") return `?sensorId=sensor-${index % sensors}`;
  return filter === "status" ? `?to=overheated&to=s${index}` : "";
}

function take(socket: Bun.Socket<Watching>, data: Uint8Array): void {
  bytes += data.length;
  const watching = socket.data;
  if (!watching.timed) return;
  const now = performance.now();
  const text = watching.text + Buffer.from(data).toString("latin1");
  let last = 0;
  for (const match of text.matchAll(/"value":(\d+),/g)) {
    last = match.index + match[0].length;
    const due = dueAt[Number(match[1])] ?? Infinity;
    if (due < timedFrom || due === Infinity) continue;
    lags.push(now - due);
    seen += 1;
  }
  watching.text = text.slice(last).slice(-100);
}

async function watch(index: number): Promise<void> {
  const head = `GET /v1/changes/live${queryOf(index)} HTTP/1.1\r\nhost: localhost:${port}\r\nauthorization: Bearer ${settings.token}\r\n\r\n`;
  const begun = Promise.withResolvers<void>();
  await Bun.connect<Watching>({
    hostname: "127.0.0.1",
    port,
    data: { timed: filter === "sensor" || index < TIMED_MAX, text: "" },
    socket: {
      open: (socket) => void socket.write(head),
      data(socket, data) {
        begun.resolve();
        take(socket, data);
      },
      close() {
        if (!over) ended += 1;
        begun.resolve();
      },
    },
  });
  await begun.promise;
}

for (let from = 0; from < watchers; from += CONNECTING_AT_ONCE) {
  const some = Array.from({ length: Math.min(CONNECTING_AT_ONCE, watchers - from) }, (_, index) => watch(from + index));
  await Promise.all(some);
}
const connection = await connect({ servers: settings.natsUrl, noAsyncTraces: true });
const stream = jetstream(connection, { timeout: 10_000 });
const fleet = new Fleet(sensors, 1, 1, true);
const watchersOf = Array.from({ length: sensors }, (_, sensor) => Math.floor(watchers / sensors) + (sensor < watchers % sensors ? 1 : 0));
const timedWatchers = Math.min(watchers, TIMED_MAX);

function publish(index: number, due: number): void {
  dueAt[index] = due;
  const { sensorId, payload } = fleet.next(Date.now());
  if (due >= timedFrom) {
    if (filter === "sensor") owed += watchersOf[Number(sensorId.slice("sensor-".length))] ?? 0;
    else if (filter === "none" || payload.includes('"overheated"')) owed += timedWatchers;
  }
  const body = payload.replace(/"value":[\d.]+/, `"value":${index}`);
  stream.publish(`sensors.${sensorId}.status`, body).catch((error: unknown) => {
    console.error(`a report was not acknowledged: ${String(error)}`);
    process.exit(1);
  });
}

const startedAt = performance.now();
timedFrom = startedAt + settings.warmUpSeconds * 1000;
const endAt = timedFrom + settings.seconds * 1000;
let next = 0;
let warm: { readonly bytes: number; readonly next: number; readonly cpu: NodeJS.CpuUsage; readonly at: number } | null = null;
for (let now = startedAt; now < endAt; now = performance.now()) {
  if (warm === null && now >= timedFrom) warm = { bytes, next, cpu: process.cpuUsage(), at: now };
  for (const due = Math.floor(((now - startedAt) / 1000) * rate); next < due; next += 1) publish(next, startedAt + (next / rate) * 1000);
  await Bun.sleep(SLICE_MS);
}
const counted = warm ?? { bytes: 0, next: 0, cpu: { user: 0, system: 0 }, at: startedAt };
const seconds = (performance.now() - counted.at) / 1000;
const cpu = process.cpuUsage(counted.cpu);
const [bytesSeen, changesSent] = [bytes - counted.bytes, next - counted.next];
const deadline = performance.now() + DRAIN_MS;
while (seen < owed && performance.now() < deadline) await Bun.sleep(20);
over = true;
lags.sort((a, b) => a - b);
const answer: WatchersAnswer = {
  lagP50Ms: quantile(lags, 0.5),
  lagP99Ms: quantile(lags, 0.99),
  lagMaxMs: lags.at(-1) ?? Number.NaN,
  changesPerSecond: changesSent / seconds,
  bytesPerSecond: bytesSeen / seconds,
  ended,
  missing: owed - seen,
  cpuShare: (cpu.user + cpu.system) / 1e6 / seconds,
};
await connection.close();
console.log(JSON.stringify(answer));
process.exit(0);
