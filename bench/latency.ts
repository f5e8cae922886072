import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "./broker";
import { runChild } from "./child";
import { CHANGE_SHARE, REPORT_BYTES, SENSORS } from "./fleet";
import type { Result } from "./figures";
import type { BenchOptions } from "./run";

const RATE = 5000;
const SECONDS = 20;
const WARM_UP_SECONDS = 5;
const READY_MS = 120_000;
/** Whatever else the environment asks for. */
const EMBEDDED = { NATS_URL: "", DATABASE_URL: "", ROLES: "", PARTITIONS: "", HTTP_HOST: "127.0.0.1", NATS_HOST: "127.0.0.1" };
const ADMIN_TOKEN = "bench-admin-token";

export interface LoadSettings {
  readonly apiUrl: string;
  readonly natsUrl: string;
  readonly token: string;
  readonly sensors: number;
  readonly rate: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface LoadAnswer {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly reportsPerSecond: number;
  readonly changesPerSecond: number;
  /** The most that a report left later than its place in the schedule. */
  readonly sendLagMaxMs: number;
  readonly missing: number;
}

/** The whole service as `npm start` runs it; sensors and the receiver are one other process, so that one clock measures. */
export async function benchLatency(options: BenchOptions): Promise<Result> {
  const sensors = options.sensors ?? SENSORS;
  const rate = options.rate ?? RATE;
  const seconds = options.seconds ?? SECONDS;
  const warmUpSeconds = options.warmUpSeconds ?? WARM_UP_SECONDS;
  const dir = mkdtempSync(join(tmpdir(), "tocsin-bench-"));
  const [httpPort, natsPort, mqttPort] = [await freePort(), await freePort(), await freePort()];
  const service = Bun.spawn([process.execPath, "--no-env-file", resolve(import.meta.dir, "../src/main.ts"), "up"], {
    env: {
      ...process.env,
      ...EMBEDDED,
      DATA_DIR: dir,
      HTTP_PORT: String(httpPort),
      NATS_PORT: String(natsPort),
      MQTT_PORT: String(mqttPort),
      ADMIN_TOKEN,
      LOG_LEVEL: "warn",
    },
    stdout: "ignore",
    stderr: "inherit",
  });
  try {
    const apiUrl = `http://127.0.0.1:${httpPort}`;
    await ready(apiUrl, service);
    const load = { apiUrl, natsUrl: `nats://127.0.0.1:${natsPort}`, token: ADMIN_TOKEN, sensors, rate };
    const answer = await runChild<LoadAnswer>("latency/load.ts", {
      ...load,
      warmUpSeconds,
      seconds,
    } satisfies LoadSettings);
    return result(answer, { ...options, sensors, rate, seconds, warmUpSeconds });
  } finally {
    service.kill("SIGTERM");
    await service.exited;
    rmSync(dir, { recursive: true, force: true });
  }
}

async function ready(apiUrl: string, service: Bun.Subprocess): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline && service.exitCode === null) {
    const answer = await fetch(`${apiUrl}/readyz`).catch(() => null);
    if (answer?.ok === true) return;
    await Bun.sleep(50);
  }
  throw new Error("the service did not become ready");
}

function result(
  answer: LoadAnswer,
  options: BenchOptions & { sensors: number; rate: number; seconds: number; warmUpSeconds: number },
): Result {
  const { p50Ms, p99Ms, maxMs, reportsPerSecond, changesPerSecond, sendLagMaxMs, missing } = answer;
  const notes = [`the load generator ran at most ${sendLagMaxMs.toFixed(1)} ms behind its schedule; times count from the scheduled moment`];
  if (reportsPerSecond < options.rate * 0.98) notes.push("the load generator was the bottleneck: it did not reach the rate");
  if (missing > 0) notes.push(`${missing} changes had not arrived when the bench ended`);
  return {
    bench: "latency",
    headline: `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms from publish to webhook at ${Math.round(reportsPerSecond)} reports/s`,
    settings: {
      store: options.store,
      durability: "WAL, synchronous=FULL",
      sensors: options.sensors,
      rate: options.rate,
      warmUpSeconds: options.warmUpSeconds,
      seconds: options.seconds,
      reportBytes: REPORT_BYTES,
      changeShare: CHANGE_SHARE,
      webhooks: 1,
      partitions: 1,
      cores: navigator.hardwareConcurrency,
    },
    figures: { p50Ms, p99Ms, maxMs, reportsPerSecond, changesPerSecond, sendLagMaxMs, missing },
    notes,
  };
}
