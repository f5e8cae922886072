import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SYNC_INTERVAL_VERSION } from "../src/jetstream/embedded/conf";
import { atLeast, parseVersion, versionText } from "../src/jetstream/embedded/version";
import { startBroker } from "./broker";
import { runChild } from "./child";
import { median, quantile, type Result } from "./figures";
import { REPORT_BYTES, SENSORS } from "./fleet";
import type { BenchOptions } from "./run";

const SECONDS = 5;
const WARM_UP_SECONDS = 1;
const IN_FLIGHT = 500;
const DISK_TRIES = 200;

const PAIRS = 3;

export interface PublishSettings {
  readonly natsUrl: string;
  readonly sensors: number;
  readonly inFlight: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface PublishAnswer {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How many were published one at a time. */
  readonly singles: number;
}

/** What it costs that nats-server has every message on the disk before it acknowledges it, beside its own default, in turns. */
export async function benchSync(options: BenchOptions): Promise<Result> {
  const publishing = {
    sensors: options.sensors ?? SENSORS,
    inFlight: IN_FLIGHT,
    warmUpSeconds: options.warmUpSeconds ?? WARM_UP_SECONDS,
    seconds: options.seconds ?? SECONDS,
  };
  const sides = { byDefault: [] as PublishAnswer[], always: [] as PublishAnswer[] };
  const pairs = options.pairs ?? PAIRS;
  let natsServer = "";
  for (let pair = 1; pair <= pairs; pair += 1) {
    for (const [name, answers] of Object.entries(sides)) {
      const { answer, version } = await side(publishing, name === "always");
      answers.push(answer);
      natsServer = version;
      console.error(`pair ${pair} of ${pairs}, ${name}: ${Math.round(answer.perSecond)}/s, one at a time ${answer.p50Ms.toFixed(2)} ms`);
    }
  }
  return result(sides, { ...publishing, pairs, natsServer });
}

/** With a broker and a store of its own. */
async function side(
  publishing: Omit<PublishSettings, "natsUrl">,
  syncAlways: boolean,
): Promise<{ answer: PublishAnswer; version: string }> {
  const dir = mkdtempSync(join(tmpdir(), "tocsin-bench-"));
  try {
    const broker = await startBroker(dir, { syncAlways });
    try {
      demandSyncInterval(broker.version);
      return { answer: await runChild("sync/publish.ts", { ...publishing, natsUrl: broker.url }), version: broker.version };
    } finally {
      await broker.stop();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function demandSyncInterval(version: string): void {
  if (atLeast(parseVersion(version) ?? [0, 0, 0], SYNC_INTERVAL_VERSION)) return;
  const floor = versionText(SYNC_INTERVAL_VERSION);
  throw new Error(`nats-server ${version} has no sync_interval; name one from ${floor} on in NATS_SERVER_BIN`);
}

function result(
  { byDefault, always }: { byDefault: PublishAnswer[]; always: PublishAnswer[] },
  settings: Omit<PublishSettings, "natsUrl"> & { pairs: number; natsServer: string },
): Result {
  const of = (answers: PublishAnswer[], name: keyof PublishAnswer) => median(answers.map((answer) => answer[name]));
  const ratio = (name: keyof PublishAnswer) =>
    median(always.map((answer, pair) => answer[name] / (byDefault[pair] as PublishAnswer)[name]));
  const figures = {
    ratio: ratio("perSecond"),
    p50Ratio: ratio("p50Ms"),
    publishesPerSecond: of(byDefault, "perSecond"),
    alwaysPublishesPerSecond: of(always, "perSecond"),
    p50Ms: of(byDefault, "p50Ms"),
    p99Ms: of(byDefault, "p99Ms"),
    alwaysP50Ms: of(always, "p50Ms"),
    alwaysP99Ms: of(always, "p99Ms"),
    diskMs: diskMs(),
  };
  return {
    bench: "sync",
    headline: `with sync_interval: always ${(figures.ratio * 100).toFixed(1)} % of the publishes that the default takes`,
    settings: { ...settings, reportBytes: REPORT_BYTES, copies: 1, default: "sync_interval: 2m" },
    figures,
    notes: [],
  };
}

/** How long this disk takes to keep 200 bytes at the end of a file: without it nobody can compare the figures with another machine's. */
function diskMs(): number {
  const dir = mkdtempSync(join(tmpdir(), "tocsin-bench-"));
  const file = openSync(join(dir, "file"), "a");
  const bytes = new Uint8Array(REPORT_BYTES);
  const times = Array.from({ length: DISK_TRIES }, () => {
    const startedAt = performance.now();
    writeSync(file, bytes);
    fdatasyncSync(file);
    return performance.now() - startedAt;
  });
  closeSync(file);
  rmSync(dir, { recursive: true });
  return quantile(
    times.sort((a, b) => a - b),
    0.5,
  );
}
