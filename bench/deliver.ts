import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoreConfig } from "../src/config";
import { SLOTS_MAX } from "../src/notifier/webhook/slots";
import { runChild } from "./child";
import { ChangeWriter } from "./endpoints/changes";
import { drained, holdPlanning, ofEndpoint, openStage, register } from "./endpoints/stage";
import { median, type Result } from "./figures";
import { SENSORS } from "./fleet";
import { startPeer } from "./peer";
import { DURABILITY, PARTITIONS, withDatabases } from "./endpoints/databases";
import type { BenchOptions } from "./run";
import type { Databases } from "./scale/database";

const DELIVERIES = 100_000;
const ENDPOINTS = 100;
const PAIRS = 3;
/** Of the deliveries that are timed. */
const WARM_UP_SHARE = 0.2;

export interface PostSettings {
  readonly store: StoreConfig;
  readonly partitions: number;
  readonly urls: readonly string[];
  readonly concurrency: number;
  /** The first ones are not timed. */
  readonly warmUp: number;
}

export interface PostAnswer {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

interface Settings {
  readonly store: BenchOptions["store"];
  readonly deliveries: number;
  readonly warmUp: number;
  readonly endpoints: number;
  readonly sensors: number;
  readonly partitions: number;
  readonly pairs: number;
}

interface Pair {
  readonly perSecond: number;
  readonly nodeCpuMicros: number;
  readonly databaseCpuMicros: number;
  readonly repeats: number;
  readonly reference: PostAnswer;
}

/** Changes that are committed already become deliveries whose outcomes are in the table; and beside it who only signs and posts the same bodies. */
export async function benchDeliver(options: BenchOptions): Promise<Result> {
  const deliveries = options.deliveries ?? DELIVERIES;
  const settings: Settings = {
    store: options.store,
    deliveries,
    warmUp: Math.ceil(deliveries * WARM_UP_SHARE),
    endpoints: options.endpoints ?? ENDPOINTS,
    sensors: options.sensors ?? SENSORS,
    partitions: options.partitions ?? PARTITIONS[options.store],
    pairs: options.pairs ?? PAIRS,
  };
  const pairs: Pair[] = [];
  await withDatabases(options.store, async (databases) => {
    for (let pair = 1; pair <= settings.pairs; pair += 1) {
      const measured = await measurePair(databases, settings);
      pairs.push(measured);
      const [own, other] = [measured.perSecond, measured.reference.perSecond].map(Math.round);
      console.error(`pair ${pair} of ${settings.pairs}: ${own} deliveries/s, reference ${other}`);
    }
  });
  return result(settings, pairs);
}

/** Both sides post the same bodies, each to receivers that are new. */
async function measurePair(databases: Databases, settings: Settings): Promise<Pair> {
  const { endpoints, partitions, warmUp } = settings;
  const { config, ...service } = await measureNode(databases, settings);
  await using receivers = startPeer("endpoints/receive.ts", { endpoints });
  const urls = await receivers.ask<string[]>("urls");
  const post: PostSettings = { store: config, partitions, urls, concurrency: SLOTS_MAX, warmUp };
  return { ...service, reference: await runChild<PostAnswer>("deliver/reference.ts", post) };
}

async function measureNode(databases: Databases, settings: Settings): Promise<Omit<Pair, "reference"> & { config: StoreConfig }> {
  const { partitions, endpoints, deliveries, warmUp } = settings;
  await using stack = new AsyncDisposableStack();
  const dir = stack.adopt(mkdtempSync(join(tmpdir(), "tocsin-bench-")), (path) => rmSync(path, { recursive: true, force: true }));
  const receivers = stack.use(startPeer("endpoints/receive.ts", { endpoints }));
  const stage = await openStage(stack, { databases, partitions, dir });
  await register(stage, await receivers.ask("urls"), ofEndpoint);
  const { store, cpu, config } = stage;
  const writer = await ChangeWriter.open(store, settings);
  const counts = () => receivers.ask<{ requests: number; deliveries: number }>("counts");
  const received = async () => (await counts()).deliveries;
  await writer.write(warmUp);
  await drained(store, writer.numbers, { received, owed: warmUp });

  const goOn = await holdPlanning(store, partitions);
  await writer.write(deliveries);
  const before = cpu();
  await goOn();
  const startedAt = performance.now();
  await drained(store, writer.numbers, { received, owed: warmUp + deliveries });
  const seconds = (performance.now() - startedAt) / 1000;
  const after = cpu();
  return {
    config,
    perSecond: deliveries / seconds,
    nodeCpuMicros: (after.node - before.node) / deliveries,
    databaseCpuMicros: (after.database - before.database) / deliveries,
    repeats: (await counts()).requests - warmUp - deliveries,
  };
}

function result(settings: Settings, pairs: readonly Pair[]): Result {
  const of = (figure: (pair: Pair) => number) => median(pairs.map(figure));
  const figures = {
    ratio: of(({ perSecond, reference }) => perSecond / reference.perSecond),
    deliveriesPerSecond: of(({ perSecond }) => perSecond),
    referencePerSecond: of(({ reference }) => reference.perSecond),
    nodeCpuMicrosPerDelivery: of(({ nodeCpuMicros }) => nodeCpuMicros),
    databaseCpuMicrosPerDelivery: of(({ databaseCpuMicros }) => databaseCpuMicros),
    referenceCpuMicrosPerDelivery: of(({ reference }) => reference.cpuMicros),
    repeats: pairs.reduce((sum, { repeats }) => sum + repeats, 0),
  };
  const { warmUp, ...told } = settings;
  return {
    bench: "deliver",
    headline: `${figures.ratio.toFixed(2)} of signing and posting alone, ${Math.round(figures.deliveriesPerSecond).toLocaleString("en")} deliveries/s`,
    settings: {
      ...told,
      warmUpDeliveries: warmUp,
      durability: DURABILITY[settings.store],
      webhooksOfAChange: 1,
      concurrency: SLOTS_MAX,
      cores: navigator.hardwareConcurrency,
    },
    figures,
    notes: [
      "the changes are committed beforehand; a change goes to one endpoint, by its sensor's label",
      "node, database and receivers share the cores; the reference has no database beside it",
    ],
  };
}
