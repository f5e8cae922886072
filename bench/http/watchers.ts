/** Watchers of the live stream and the sensors whose changes they see, in one process and on one clock. */
import { readFileSync } from "node:fs";
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { childSettings } from "../child";
import { quantile } from "../figures";
import { Fleet } from "../fleet";
import { STREAMS_PER_CALLER_MAX } from "../../src/live/room";

export interface WatchersSettings {
  readonly port: number;
  readonly natsUrl: string;
  /** Of somebody who may make tokens: each is used by as many watchers as one may have. */
  readonly token: string;
  /** Of the service, whose memory and time are looked at; null for neither. */
  readonly pid: number | null;
  readonly watchers: number;
  /**
   * `none`: all see everything. `sensor`: each sees one sensor. `status`: each has a filter of its own, which lets the same half of the
   * changes through. `halves`: each sees a half of the sensors that no other sees; for few sensors.
   */
  readonly filter: "none" | "sensor" | "status" | "halves";
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
  /** Changes that watchers whose arrivals are timed should have seen, and did not. */
  readonly lost: number;
  /** Streams that ended. */
  readonly ended: number;
  readonly changesPerSecond: number;
  /** Over all watchers. */
  readonly bytesPerSecond: number;
  /** Of the service from the first watcher on, MiB; null without its pid. */
  readonly peakRssMb: number | null;
  /** Of a core, in the time that counts: of the service (without its broker), and of this process, which near 1 was the bottleneck. */
  readonly serviceCpuShare: number | null;
  readonly cpuShare: number;
}

const SLICE_MS = 2;
const DRAIN_MS = 10_000;
/** Of so many watchers each arrival is timed where all see the same; of the others the bytes are counted. */
const TIMED_MAX = 20;
const CONNECTING_AT_ONCE = 50;
const LOOK_AT_SERVICE_MS = 250;
const TICKS_PER_SECOND = 100;

interface Watching {
  /** Whether it is noted when each change comes. */
  readonly timed: boolean;
  /** What came behind the last whole event, where arrivals are timed. */
  text: string;
}

const settings = childSettings<WatchersSettings>();
const { port, watchers, filter, sensors, rate, pid } = settings;
const timedWatchers = filter === "sensor" ? watchers : Math.min(watchers, TIMED_MAX);
/** When the report was due to leave whose value is the index. */
const dueAt: number[] = [];
const lags: number[] = [];
let timedFrom = Infinity;
let bytes = 0;
let ended = 0;
let over = false;
let owed = 0;
let seen = 0;

/** Whether a watcher sees a change of a sensor to a status. */
function isSeen(watcher: number, sensor: number, hot: boolean): boolean {
  if (filter === "sensor") return sensor === watcher % sensors;
  if (filter === "halves") return Bun.hash.wyhash(`${watcher}:${sensor}`) % 2n === 0n;
  return filter === "none" || hot;
}

function queryOf(watcher: number): string {
  if (filter === "none") return "";
  if (filter === "status") return `?to=overheated&to=s${watcher}`;
  const seen = Array.from({ length: sensors }, (_, sensor) => sensor).filter((sensor) => isSeen(watcher, sensor, true));
  return `?${seen.map((sensor) => `sensorId=sensor-${sensor}`).join("&")}`;
}

async function mint(): Promise<string> {
  const body = JSON.stringify({ name: "watchers", scopes: ["sensors:read"] });
  const answer = await fetch(`http://127.0.0.1:${port}/v1/tokens`, {
    method: "POST",
    body,
    headers: { authorization: `Bearer ${settings.token}`, "content-type": "application/json" },
  });
  if (answer.status !== 201) throw new Error(`no token was made: ${await answer.text()}`);
  return ((await answer.json()) as { token: string }).token;
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

async function watch(watcher: number, token: string): Promise<void> {
  const head = `GET /v1/changes/live${queryOf(watcher)} HTTP/1.1\r\nhost: localhost:${port}\r\nauthorization: Bearer ${token}\r\n\r\n`;
  const begun = Promise.withResolvers<void>();
  await Bun.connect<Watching>({
    hostname: "127.0.0.1",
    port,
    data: { timed: watcher < timedWatchers, text: "" },
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

/** What the service has used of a core's time so far, in seconds, and the memory that it has. */
function lookAtService(): { readonly cpuSeconds: number; readonly rssMb: number } | null {
  if (pid === null) return null;
  // proc_pid_stat(5): user and system time are the 14th and 15th field; the second is a name in parentheses.
  const times = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ").slice(11, 13).map(Number) ?? [];
  const rssKb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return { cpuSeconds: times.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND, rssMb: Number(rssKb) / 1024 };
}

let peakRssMb: number | null = null;
const looking = setInterval(() => {
  const { rssMb } = lookAtService() ?? {};
  if (rssMb !== undefined) peakRssMb = Math.max(peakRssMb ?? 0, rssMb);
}, LOOK_AT_SERVICE_MS);

let token = "";
for (let from = 0; from < watchers; from += CONNECTING_AT_ONCE) {
  if (from % STREAMS_PER_CALLER_MAX === 0) token = await mint();
  const some = Array.from({ length: Math.min(CONNECTING_AT_ONCE, watchers - from) }, (_, index) => watch(from + index, token));
  await Promise.all(some);
}
const connection = await connect({ servers: settings.natsUrl, noAsyncTraces: true });
const stream = jetstream(connection, { timeout: 10_000 });
const fleet = new Fleet(sensors, 1, 1, true);
const timed = Array.from({ length: timedWatchers }, (_, watcher) => watcher);
const seenBy = new Map<string, number>();

/** How many of those whose arrivals are timed see a change. */
function countSeen(sensorId: string, hot: boolean): number {
  const key = `${sensorId} ${hot}`;
  const known = seenBy.get(key);
  if (known !== undefined) return known;
  const sensor = Number(sensorId.slice("sensor-".length));
  const count = timed.filter((watcher) => isSeen(watcher, sensor, hot)).length;
  seenBy.set(key, count);
  return count;
}

function publish(index: number, due: number): void {
  dueAt[index] = due;
  const { sensorId, payload } = fleet.next(Date.now());
  if (due >= timedFrom) owed += countSeen(sensorId, payload.includes('"overheated"'));
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

function standing() {
  return { at: performance.now(), bytes, next, cpu: process.cpuUsage(), service: lookAtService() };
}

let warm: ReturnType<typeof standing> | null = null;
for (let now = startedAt; now < endAt; now = performance.now()) {
  if (now >= timedFrom) warm ??= standing();
  for (const due = Math.floor(((now - startedAt) / 1000) * rate); next < due; next += 1) publish(next, startedAt + (next / rate) * 1000);
  await Bun.sleep(SLICE_MS);
}
const [before, after] = [warm ?? standing(), standing()];
const seconds = (after.at - before.at) / 1000;
const deadline = performance.now() + DRAIN_MS;
while (seen < owed && performance.now() < deadline) await Bun.sleep(20);
over = true;
lags.sort((a, b) => a - b);
clearInterval(looking);
const cpuMicroseconds = after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system;
const answer: WatchersAnswer = {
  lagP50Ms: quantile(lags, 0.5),
  lagP99Ms: quantile(lags, 0.99),
  lagMaxMs: lags.at(-1) ?? Number.NaN,
  lost: owed - seen,
  ended,
  changesPerSecond: (after.next - before.next) / seconds,
  bytesPerSecond: (after.bytes - before.bytes) / seconds,
  peakRssMb,
  serviceCpuShare: after.service && before.service && (after.service.cpuSeconds - before.service.cpuSeconds) / seconds,
  cpuShare: cpuMicroseconds / 1e6 / seconds,
};
await connection.close();
console.log(JSON.stringify(answer));
process.exit(0);
