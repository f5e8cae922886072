import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoreConfig } from "../src/config";
import { BATCH_MESSAGES_MAX } from "../src/ingest/batches";
import { startBroker } from "./broker";
import { runChild } from "./child";
import { type Databases, openDatabases } from "./pipeline/databases";
import { CHANGE_SHARE, REPORT_BYTES, SENSORS } from "./fleet";
import { median, type Result } from "./figures";
import type { BenchOptions } from "./run";

/** What each side of the comparison is told. */
export interface SideSettings {
  readonly natsUrl: string;
  /** A database that is the side's own: its tables are made and empty where it is Postgres's, its file is not there where it is SQLite's. */
  readonly store: StoreConfig;
  readonly sensors: number;
  /** P, all of them this node's. Only the service's own side can have more than one. */
  readonly partitions: number;
  /** Messages in the streams: the first ones warm up and are not timed. */
  readonly warmUp: number;
  readonly reports: number;
}

export interface SideAnswer {
  readonly perSecond: number;
  /** Processor time of the process for one report, which other work on the machine hardly moves. */
  readonly cpuMicros: number;
  readonly rssMb: number;
}

const REPORTS = 300_000;
const PAIRS = 3;
/** What a cluster has, beside the one of a laptop. */
const MANY_PARTITIONS = 16;
/** Below that, the batches that are not timed would leave nothing to time. */
export const PIPELINE_REPORTS_MIN = 20_000;
/** The reference makes one commit per report: a share of the stream tells its rate. */
const REFERENCE_SHARE = 0.1;
const REFERENCE_REPORTS_MAX = 5000;

/**
 * Fills the streams, then times what empties them: the service's own ingest, of one partition and of many, one message at a time, and the
 * bare SQL of a batch.
 */
export async function benchPipeline(options: BenchOptions): Promise<Result> {
  const reports = options.reports ?? REPORTS;
  const pairs = options.pairs ?? PAIRS;
  const sensors = options.sensors ?? SENSORS;
  const warmUp = Math.max(sensors, Math.floor(reports / 2));
  const root = mkdtempSync(join(tmpdir(), "tocsin-bench-"));
  const broker = await startBroker(join(root, "broker"));
  let databases: Databases | null = null;
  try {
    databases = await openDatabases(options.store, root);
    console.error(`filling the stream with ${warmUp + reports} reports`);
    for (const partitions of [1, MANY_PARTITIONS])
      await runChild("pipeline/fill.ts", { natsUrl: broker.url, count: warmUp + reports, sensors, partitions });
    const sides: Sides = { service: [], many: [], reference: [], bareLoop: [] };
    for (let pair = 1; pair <= pairs; pair += 1) {
      const whole = { natsUrl: broker.url, sensors, partitions: 1, warmUp, reports };
      sides.service.push(await side("pipeline/service.ts", whole, databases));
      sides.many.push(await side("pipeline/service.ts", { ...whole, partitions: MANY_PARTITIONS }, databases));
      sides.bareLoop.push(await side("pipeline/bareLoop.ts", whole, databases));
      sides.reference.push(await side("pipeline/reference.ts", { ...whole, reports: referenceReports(reports) }, databases));
      const [service, many, bare, reference] = [sides.service, sides.many, sides.bareLoop, sides.reference].map((answers) =>
        Math.round(answers.at(-1)?.perSecond ?? 0),
      );
      const last = `${service} reports/s, with ${MANY_PARTITIONS} partitions ${many}, bare loop ${bare}, reference ${reference}`;
      console.error(`pair ${pair} of ${pairs}: ${last}`);
    }
    const settings = { ...options, durability: databases.durability, sensors, pairs, reports, warmUp };
    return result(sides, settings, broker.version);
  } finally {
    await databases?.close();
    await broker.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

type Sides = Record<"service" | "many" | "reference" | "bareLoop", SideAnswer[]>;

function referenceReports(reports: number): number {
  return Math.min(Math.ceil(reports * REFERENCE_SHARE), REFERENCE_REPORTS_MAX);
}

async function side(script: string, settings: Omit<SideSettings, "store">, databases: Databases): Promise<SideAnswer> {
  await using database = await databases.open();
  return await runChild<SideAnswer>(script, { ...settings, store: database.config });
}

function result(
  sides: Sides,
  options: BenchOptions & { durability: string; sensors: number; pairs: number; reports: number; warmUp: number },
  natsVersion: string,
): Result {
  const rate = (answers: SideAnswer[]) => median(answers.map(({ perSecond }) => perSecond));
  const cost = (answers: SideAnswer[]) => median(answers.map(({ cpuMicros }) => cpuMicros));
  const paired = (others: SideAnswer[]) =>
    median(sides.service.map(({ perSecond }, pair) => perSecond / (others[pair] as SideAnswer).perSecond));
  const figures = {
    ratio: paired(sides.reference),
    bareLoopRatio: paired(sides.bareLoop),
    reportsPerSecond: rate(sides.service),
    manyPartitionsPerSecond: rate(sides.many),
    manyPartitionsRatio: 1 / paired(sides.many),
    referencePerSecond: rate(sides.reference),
    bareLoopPerSecond: rate(sides.bareLoop),
    cpuMicrosPerReport: cost(sides.service),
    referenceCpuMicrosPerReport: cost(sides.reference),
    bareLoopCpuMicrosPerReport: cost(sides.bareLoop),
    peakRssMb: Math.max(...sides.service.map(({ rssMb }) => rssMb)),
  };
  return {
    bench: "pipeline",
    headline: `${figures.ratio.toFixed(1)} times the reference, ${figures.bareLoopRatio.toFixed(2)} of the bare loop, ${Math.round(figures.reportsPerSecond).toLocaleString("en")} reports/s`,
    settings: {
      store: options.store,
      durability: options.durability,
      sensors: options.sensors,
      reports: options.reports,
      warmUpReports: options.warmUp,
      referenceReports: referenceReports(options.reports),
      reportBytes: REPORT_BYTES,
      changeShare: CHANGE_SHARE,
      partitions: 1,
      manyPartitions: MANY_PARTITIONS,
      batchMessagesMax: BATCH_MESSAGES_MAX,
      pairs: options.pairs,
      natsServer: natsVersion,
      cores: navigator.hardwareConcurrency,
    },
    figures,
    notes: ["the streams are filled beforehand, so no load generator runs beside the measurement"],
  };
}
