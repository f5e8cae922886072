import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BATCH_MESSAGES_MAX } from "../src/ingest/ingest";
import { startBroker } from "./broker";
import { runChild } from "./child";
import { CHANGE_SHARE, REPORT_BYTES, SENSORS } from "./fleet";
import { median, type Result } from "./figures";
import type { BenchOptions } from "./run";

/** What each side of the comparison is told. */
export interface SideSettings {
  readonly natsUrl: string;
  /** An empty folder for the database. */
  readonly dir: string;
  readonly sensors: number;
  /** Messages in the stream: the first ones warm up and are not timed. */
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
/** Below that, the batches that are not timed would leave nothing to time. */
export const PIPELINE_REPORTS_MIN = 20_000;
/** The reference makes one commit per report: a share of the stream tells its rate. */
const REFERENCE_SHARE = 0.1;
const REFERENCE_REPORTS_MAX = 5000;

/** Fills the stream, then times what empties it: the service's own ingest, one message at a time, and the bare SQL of a batch. */
export async function benchPipeline(options: BenchOptions): Promise<Result> {
  const reports = options.reports ?? REPORTS;
  const pairs = options.pairs ?? PAIRS;
  const sensors = options.sensors ?? SENSORS;
  const warmUp = Math.max(sensors, Math.floor(reports / 2));
  const root = mkdtempSync(join(tmpdir(), "tocsin-bench-"));
  const broker = await startBroker(join(root, "broker"));
  try {
    console.error(`filling the stream with ${warmUp + reports} reports`);
    await runChild("pipeline/fill.ts", { natsUrl: broker.url, count: warmUp + reports, sensors });
    const sides = { service: [] as SideAnswer[], reference: [] as SideAnswer[], bareLoop: [] as SideAnswer[] };
    for (let pair = 1; pair <= pairs; pair += 1) {
      const settings = (name: string, limits: { warmUp: number; reports: number }): SideSettings => {
        const dir = join(root, `${name}-${pair}`);
        return { natsUrl: broker.url, dir, sensors, ...limits };
      };
      const whole = { warmUp, reports };
      sides.service.push(await side("pipeline/service.ts", settings("service", whole)));
      sides.bareLoop.push(await side("pipeline/bareLoop.ts", settings("bare", whole)));
      sides.reference.push(await side("pipeline/reference.ts", settings("reference", { warmUp, reports: referenceReports(reports) })));
      const [service, bare, reference] = [sides.service, sides.bareLoop, sides.reference].map((answers) =>
        Math.round(answers.at(-1)?.perSecond ?? 0),
      );
      console.error(`pair ${pair} of ${pairs}: ${service} reports/s, bare loop ${bare}, reference ${reference}`);
    }
    return result(sides, { ...options, sensors, pairs, reports, warmUp }, broker.version);
  } finally {
    await broker.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

function referenceReports(reports: number): number {
  return Math.min(Math.ceil(reports * REFERENCE_SHARE), REFERENCE_REPORTS_MAX);
}

async function side(script: string, settings: SideSettings): Promise<SideAnswer> {
  const answer = await runChild<SideAnswer>(script, settings);
  rmSync(settings.dir, { recursive: true, force: true });
  return answer;
}

function result(
  sides: Record<"service" | "reference" | "bareLoop", SideAnswer[]>,
  options: BenchOptions & { sensors: number; pairs: number; reports: number; warmUp: number },
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
      durability: "WAL, synchronous=FULL, on every side",
      sensors: options.sensors,
      reports: options.reports,
      warmUpReports: options.warmUp,
      referenceReports: referenceReports(options.reports),
      reportBytes: REPORT_BYTES,
      changeShare: CHANGE_SHARE,
      partitions: 1,
      batchMessagesMax: BATCH_MESSAGES_MAX,
      pairs: options.pairs,
      natsServer: natsVersion,
      cores: navigator.hardwareConcurrency,
    },
    figures,
    notes: ["the stream is filled beforehand, so no load generator runs beside the measurement"],
  };
}
