import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChangeWriter } from "./endpoints/changes";
import { DURABILITY, PARTITIONS, withDatabases } from "./endpoints/databases";
import { drained, openStage, planned, register, type Stage } from "./endpoints/stage";
import type { Result } from "./figures";
import { type Peer, startPeer } from "./peer";
import type { BenchOptions } from "./run";
import { memoryOf } from "./scale/processes";

const DELIVERIES = 100_000;
const ENDPOINTS = 10;
const SENSORS = 1000;
/** How long the endpoints stay away once everything is planned. */
const SECONDS = 10;
const LOOK_MS = 5;

interface Settings {
  readonly store: BenchOptions["store"];
  readonly changes: number;
  readonly endpoints: number;
  readonly sensors: number;
  readonly partitions: number;
  readonly outageSeconds: number;
}

interface Drained {
  readonly seconds: number;
  /** Until the first delivery arrived. */
  readonly secondsToFirst: number;
  readonly outageRssMb: number;
  readonly peakRssMb: number;
  readonly nodeCpuMicros: number;
  readonly databaseCpuMicros: number;
  readonly repeats: number;
}

/** Endpoints that refused every connection come back, and are owed much. */
export async function benchDrain(options: BenchOptions): Promise<Result> {
  const endpoints = options.endpoints ?? ENDPOINTS;
  const settings: Settings = {
    store: options.store,
    changes: Math.ceil((options.deliveries ?? DELIVERIES) / endpoints),
    endpoints,
    sensors: options.sensors ?? SENSORS,
    partitions: options.partitions ?? PARTITIONS[options.store],
    outageSeconds: options.seconds ?? SECONDS,
  };
  const measured = await withDatabases(options.store, async (databases) => {
    await using stack = new AsyncDisposableStack();
    const dir = stack.adopt(mkdtempSync(join(tmpdir(), "tocsin-bench-")), (path) => rmSync(path, { recursive: true, force: true }));
    const receivers = stack.use(startPeer("endpoints/receive.ts", { endpoints }));
    const stage = await openStage(stack, { databases, partitions: settings.partitions, dir });
    await register(stage, await receivers.ask("urls"), () => ({}));
    return await measure(stage, receivers, settings);
  });
  return result(settings, measured);
}

async function measure({ store, node, cpu }: Stage, receivers: Peer, settings: Settings): Promise<Drained> {
  const { changes, endpoints, outageSeconds } = settings;
  const counts = () => receivers.ask<{ requests: number; deliveries: number }>("counts");
  const received = async () => (await counts()).deliveries;
  const owed = changes * endpoints;
  await receivers.ask("down");
  const writer = await ChangeWriter.open(store, settings);
  await writer.write(changes);
  await planned(store, writer.numbers);
  console.error(`${owed} deliveries are owed; the endpoints stay away for ${outageSeconds} s`);
  await Bun.sleep(outageSeconds * 1000);
  const outage = memoryOf(node.pid);
  const cpuBefore = cpu();
  await receivers.ask("up");
  const startedAt = performance.now();
  const passed = () => (performance.now() - startedAt) / 1000;
  while ((await received()) === 0) await Bun.sleep(LOOK_MS);
  const secondsToFirst = passed();
  await drained(store, writer.numbers, { received, owed });
  const seconds = passed();
  const cpuAfter = cpu();
  return {
    seconds,
    secondsToFirst,
    outageRssMb: outage.peakMb,
    peakRssMb: memoryOf(node.pid).peakMb,
    nodeCpuMicros: (cpuAfter.node - cpuBefore.node) / owed,
    databaseCpuMicros: (cpuAfter.database - cpuBefore.database) / owed,
    repeats: (await counts()).requests - owed,
  };
}

function result(settings: Settings, { seconds, secondsToFirst, ...measured }: Drained): Result {
  const owed = settings.changes * settings.endpoints;
  const figures = {
    deliveriesPerSecond: owed / (seconds - secondsToFirst),
    secondsToEmpty: seconds,
    secondsToFirst,
    peakRssMb: measured.peakRssMb,
    outagePeakRssMb: measured.outageRssMb,
    nodeCpuMicrosPerDelivery: measured.nodeCpuMicros,
    databaseCpuMicrosPerDelivery: measured.databaseCpuMicros,
    repeats: measured.repeats,
  };
  return {
    bench: "drain",
    headline: `${owed.toLocaleString("en")} owed deliveries are gone ${seconds.toFixed(1)} s after the endpoints are back, in ${figures.peakRssMb} MiB, at ${Math.round(figures.deliveriesPerSecond).toLocaleString("en")} deliveries/s`,
    settings: {
      ...settings,
      deliveries: owed,
      lanes: settings.endpoints * Math.min(settings.sensors, settings.changes),
      durability: DURABILITY[settings.store],
      cores: navigator.hardwareConcurrency,
    },
    figures,
    notes: [
      "seconds count from the endpoints' return to the last outcome in the table; the rate from the first delivery that arrived",
      "while they were away every connection was refused, and the heads of all lanes had failed",
    ],
  };
}
