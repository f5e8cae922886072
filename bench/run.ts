/** `npm run bench -- <name> [options]`: measures, beside a reference in the same run, and prints figures with their settings. */
import { parseArgs } from "node:util";
import { benchDeliver } from "./deliver";
import { benchFailover } from "./failover";
import { benchDrain } from "./drain";
import { benchHttp } from "./http";
import { benchIsolation } from "./isolation";
import { benchLatency } from "./latency";
import { benchMatching } from "./matching";
import { benchPipeline, PIPELINE_REPORTS_MIN } from "./pipeline";
import { benchScale, SCALE_REPORTS_MIN, SCALE_ROWS_MIN } from "./scale";
import { benchSync } from "./sync";
import { printFigures, type Result } from "./figures";

type StoreKind = "sqlite" | "postgres";

interface Bench {
  readonly run: (options: BenchOptions) => Promise<Result>;
  readonly says: string;
  /** The stores that it can be run on; the first one unless another is asked for. */
  readonly stores: readonly [StoreKind, ...StoreKind[]];
  /** The least of `--reports` that leaves anything to time. */
  readonly reportsMin?: number;
}

const BENCHES: Record<string, Bench> = {
  pipeline: {
    run: benchPipeline,
    says: "reports from the stream to the commit and the published change",
    stores: ["sqlite", "postgres"],
    reportsMin: PIPELINE_REPORTS_MIN,
  },
  sync: { run: benchSync, says: "what it costs that the broker acknowledges only what is on the disk", stores: ["sqlite"] },
  latency: { run: benchLatency, says: "from a sensor's publish to the webhook received", stores: ["sqlite"] },
  scale: {
    run: benchScale,
    says: "what a report costs with more sensors, and a query with a longer log",
    stores: ["postgres", "sqlite"],
    reportsMin: SCALE_REPORTS_MIN,
  },
  matching: { run: benchMatching, says: "a change's webhooks among 10,000, by the index over filters and by a loop", stores: ["sqlite"] },
  deliver: {
    run: benchDeliver,
    says: "from the committed change to the outcome in the table, beside signing and posting alone",
    stores: ["postgres", "sqlite"],
  },
  isolation: { run: benchIsolation, says: "what endpoints that hang cost those that answer", stores: ["postgres", "sqlite"] },
  drain: { run: benchDrain, says: "how long what is owed takes once the endpoints are back", stores: ["postgres", "sqlite"] },
  http: {
    run: benchHttp,
    says: "reads beside a bare server, lists, reports, bulk and watchers, over HTTP",
    stores: ["sqlite", "postgres"],
  },
  failover: { run: benchFailover, says: "how long changes pause when a node is stopped, and when it is killed", stores: ["postgres"] },
};

/** Null takes the bench's own default. */
export interface BenchOptions {
  readonly store: StoreKind;
  readonly rate: number | null;
  readonly seconds: number | null;
  readonly warmUpSeconds: number | null;
  readonly reports: number | null;
  readonly sensors: number | null;
  readonly pairs: number | null;
  readonly rounds: number | null;
  readonly rows: number | null;
  readonly calls: number | null;
  readonly webhooks: number | null;
  readonly deliveries: number | null;
  readonly endpoints: number | null;
  readonly partitions: number | null;
  readonly watchers: number | null;
}

const USAGE = `Usage: npm run bench -- <name> [--store sqlite|postgres] [--sensors N] [--json]
       pipeline: [--reports N] [--pairs N]   latency: [--rate R] [--seconds S] [--warm-up S]
       failover: [--rounds N] [--rate R]   sync: [--seconds S] [--warm-up S] [--pairs N]
       scale: [--reports N] [--rounds N] [--rows N] [--calls N]   matching: [--webhooks N] [--calls N] [--pairs N]
       deliver: [--deliveries N] [--endpoints N] [--partitions N] [--pairs N]
       isolation: [--rate R] [--seconds S] [--warm-up S] [--endpoints N] [--partitions N]
       http: [--sensors N] [--seconds S] [--warm-up S] [--pairs N] [--watchers N] [--rate R]
       drain: [--deliveries N] [--endpoints N] [--seconds S] [--partitions N]

${Object.entries(BENCHES)
  .map(([name, { says }]) => `  ${name.padEnd(10)} ${says}`)
  .join("\n")}

Example: npm run bench -- latency --rate 5000 --seconds 10 --json`;

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      store: { type: "string" },
      rate: { type: "string" },
      seconds: { type: "string" },
      "warm-up": { type: "string" },
      reports: { type: "string" },
      sensors: { type: "string" },
      pairs: { type: "string" },
      rounds: { type: "string" },
      rows: { type: "string" },
      calls: { type: "string" },
      webhooks: { type: "string" },
      deliveries: { type: "string" },
      endpoints: { type: "string" },
      partitions: { type: "string" },
      watchers: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const bench = BENCHES[positionals[0] ?? ""];
  if (bench === undefined || positionals.length !== 1) throw new Error(`name one bench of: ${Object.keys(BENCHES).join(", ")}`);
  const store = values.store === undefined ? bench.stores[0] : bench.stores.find((kind) => kind === values.store);
  if (store === undefined) throw new Error(`--store ${values.store}: ${positionals[0]} runs on ${bench.stores.join(", ")}`);
  const options: BenchOptions = {
    store,
    rate: positive("rate", values.rate),
    seconds: positive("seconds", values.seconds),
    warmUpSeconds: positive("warm-up", values["warm-up"]),
    reports: positive("reports", values.reports, bench.reportsMin),
    sensors: positive("sensors", values.sensors),
    pairs: positive("pairs", values.pairs),
    rounds: positive("rounds", values.rounds),
    rows: positive("rows", values.rows, SCALE_ROWS_MIN),
    calls: positive("calls", values.calls),
    webhooks: positive("webhooks", values.webhooks),
    deliveries: positive("deliveries", values.deliveries),
    endpoints: positive("endpoints", values.endpoints),
    partitions: positive("partitions", values.partitions),
    watchers: positive("watchers", values.watchers),
  };
  return { bench, options, json: values.json };
}

function positive(name: string, text: string | undefined, min = 1): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (Number.isInteger(value) && value >= min) return value;
  throw new Error(`--${name} ${text}: is not a whole number from ${min} on`);
}

let chosen: ReturnType<typeof readOptions>;
try {
  chosen = readOptions();
} catch (error) {
  console.error(`${(error as Error).message}\n\n${USAGE}`);
  process.exit(2);
}
printFigures(await chosen.bench.run(chosen.options), chosen.json);
process.exit(0);
