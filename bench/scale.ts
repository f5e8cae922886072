import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../src/store/open";
import { CHANGE_SHARE, REPORT_BYTES } from "./fleet";
import { median, type Result } from "./figures";
import type { BenchOptions } from "./run";
import { type Costs, type IngestAnswer, measureCosts, microsOf } from "./scale/cost";
import { type Databases, sqliteDatabases, startPostgresDatabases } from "./scale/database";
import { fillLog, fillRegistry, sensorsInLog } from "./scale/fill";
import { type QueryTimes, timeQueries } from "./scale/queries";

const SENSORS = 1_000_000;
const REPORTS = 60_000;
const ROUNDS = 3;
const LOG_ROWS = 10_000_000;
const LOG_SHORTER_TIMES = 100;
/** Below that, the batches that warm up would leave nothing to time. */
export const SCALE_REPORTS_MIN = 10_000;
/** Below that, hardly anything is in the short log. */
export const SCALE_ROWS_MIN = 20_000;
const REGISTERED = 100_000;
const CALLS = 400;
/** A warm-up after which most of 100,000 sensors are in memory. */
const WARM_UP_TIMES = 2.5;
/** As much memory as the working set of a million sensors takes; and checkpoints come by the clock, not because the filling wrote so much. */
const POSTGRES_SETTINGS = ["shared_buffers=1GB", "max_wal_size=4GB"];
/** Filling is not measured: with these it takes minutes less. */
const FILL_FASTER = [
  "max_wal_size=16GB",
  "checkpoint_timeout=1h",
  "wal_level=minimal",
  "max_wal_senders=0",
  "synchronous_commit=off",
  "shared_buffers=1GB",
];
/** Below that, the machine's own noise is what is measured. */
const P99_FLOOR_MS = 1;

interface Sizes {
  readonly sensors: readonly [number, number, number];
  readonly reports: number;
  readonly rounds: number;
  readonly rows: number;
  readonly calls: number;
}

/** What a report costs with more and more sensors, what the node holds in memory then, and what queries take on a long log. */
export async function benchScale(options: BenchOptions): Promise<Result> {
  const sensors = options.sensors ?? SENSORS;
  const sizes: Sizes = {
    sensors: [Math.ceil(sensors / 1000), Math.ceil(sensors / 10), sensors],
    reports: options.reports ?? REPORTS,
    rounds: options.rounds ?? ROUNDS,
    rows: options.rows ?? LOG_ROWS,
    calls: options.calls ?? CALLS,
  };
  const costs = await withDatabases(options.store, POSTGRES_SETTINGS, (databases, stack, dir) =>
    measureCosts(stack, databases, {
      sizes: sizes.sensors,
      warmUp: Math.ceil(sizes.reports * WARM_UP_TIMES),
      reports: sizes.reports,
      rounds: sizes.rounds,
      missesAt: sizes.sensors[1],
      dir,
    }),
  );
  const queries = await withDatabases(options.store, FILL_FASTER, (databases) => measureQueries(databases, sizes));
  return result(options, sizes, { costs, queries });
}

async function withDatabases<Measured>(
  store: BenchOptions["store"],
  settings: readonly string[],
  measure: (databases: Databases, stack: AsyncDisposableStack, dir: string) => Promise<Measured>,
): Promise<Measured> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.adopt(mkdtempSync(join(tmpdir(), "tocsin-bench-")), (path) => rmSync(path, { recursive: true, force: true }));
  const databases = store === "postgres" ? await startPostgresDatabases(settings) : sqliteDatabases(dir);
  stack.defer(() => databases.stop());
  return await measure(databases, stack, dir);
}

async function measureQueries(databases: Databases, { rows, calls }: Sizes): Promise<QueryTimes[]> {
  const shortRows = Math.ceil(rows / LOG_SHORTER_TIMES);
  const registered = Math.min(REGISTERED, rows);
  const open = async (logRows: number) => {
    const database = await databases.create();
    console.error(`filling a log with ${logRows} rows`);
    await database.withoutIndexes(async () => {
      await fillRegistry(database, registered);
      await fillLog(database, logRows);
    });
    for (const statement of database.dialect.settle) await database.execute(statement);
    return openStore(database.config);
  };
  const [short, long] = [await open(shortRows), await open(rows)];
  try {
    console.error("asking both");
    return await timeQueries({ short, long }, { sensors: Math.min(sensorsInLog(shortRows), registered), calls });
  } finally {
    await Promise.all([short.close(), long.close()]);
  }
}

function result(options: BenchOptions, sizes: Sizes, { costs, queries }: { costs: Costs; queries: readonly QueryTimes[] }): Result {
  const [few, some, many] = sizes.sensors.map((size) => costs.bySize.get(size) ?? []) as [Rounds, Rounds, Rounds];
  const ratio = ({ shortP99Ms, longP99Ms }: QueryTimes) => Math.max(longP99Ms, P99_FLOOR_MS) / Math.max(shortP99Ms, P99_FLOOR_MS);
  const worst = queries.reduce((one, other) => (ratio(other) > ratio(one) ? other : one));
  const figures = {
    costRatio100k: ofRounds(some, microsOf) / ofRounds(few, microsOf),
    costRatio1m: ofRounds(many, microsOf) / ofRounds(few, microsOf),
    wallRatio100k: ofRounds(few, perSecondOf) / ofRounds(some, perSecondOf),
    wallRatio1m: ofRounds(few, perSecondOf) / ofRounds(many, perSecondOf),
    rssMb1m: costs.node.rssMb,
    peakRssMb1m: costs.node.peakMb,
    queryRatioP99: ratio(worst),
    queryRatioP50: median(queries.map(({ shortP50Ms, longP50Ms }) => longP50Ms / shortP50Ms)),
    ...Object.fromEntries(
      (
        [
          ["1k", few],
          ["100k", some],
          ["1m", many],
        ] as const
      ).flatMap(([name, rounds]) => [
        [`cpuMicrosPerReport${name}`, ofRounds(rounds, ({ cpuMicros }) => cpuMicros)],
        [`databaseMicrosPerReport${name}`, ofRounds(rounds, ({ databaseMicros }) => databaseMicros)],
        [`reportsPerSecond${name}`, ofRounds(rounds, perSecondOf)],
      ]),
    ),
    missMicros: ofRounds(costs.withMisses, microsOf) - ofRounds(some, microsOf),
  };
  return {
    bench: "scale",
    headline: `a report costs ${figures.costRatio1m.toFixed(2)} times as much with ${sizes.sensors[2].toLocaleString("en")} sensors as with ${sizes.sensors[0].toLocaleString("en")}, in ${figures.rssMb1m} MiB; queries take at most ${figures.queryRatioP99.toFixed(1)} times as long on a log ${LOG_SHORTER_TIMES} times as long`,
    settings: {
      store: options.store,
      durability: options.store === "postgres" ? "fsync and synchronous_commit on" : "WAL, synchronous=FULL",
      sensors: sizes.sensors.join(", "),
      reports: sizes.reports,
      warmUpReports: Math.ceil(sizes.reports * WARM_UP_TIMES),
      rounds: sizes.rounds,
      reportBytes: REPORT_BYTES,
      changeShare: CHANGE_SHARE,
      partitions: 1,
      ...(options.store === "postgres" ? { postgresSettings: POSTGRES_SETTINGS.join(", ") } : {}),
      logRows: sizes.rows,
      shortLogRows: Math.ceil(sizes.rows / LOG_SHORTER_TIMES),
      calls: sizes.calls,
      cores: navigator.hardwareConcurrency,
    },
    figures,
    notes: [
      "costRatio counts the processor time of the node and of its database, wallRatio the time on the clock, against the fewest sensors",
      `missMicros is what a report costs more whose sensor is not in memory; p99 below ${P99_FLOOR_MS} ms count as ${P99_FLOOR_MS} ms`,
      ...queries.map(
        ({ name, shortP50Ms, longP50Ms, shortP99Ms, longP99Ms }) =>
          `${name}: p50 ${shortP50Ms.toFixed(2)} → ${longP50Ms.toFixed(2)} ms, p99 ${shortP99Ms.toFixed(2)} → ${longP99Ms.toFixed(2)} ms`,
      ),
    ],
  };
}

type Rounds = readonly IngestAnswer[];

function perSecondOf({ perSecond }: IngestAnswer): number {
  return perSecond;
}

function ofRounds(rounds: Rounds, value: (answer: IngestAnswer) => number): number {
  return median(rounds.map(value));
}
