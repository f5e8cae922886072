/** `npm run bench -- <name> [options]`: measures, beside a reference in the same run, and prints figures with their settings. */
import { parseArgs } from "node:util";
import { benchLatency } from "./latency";
import { benchPipeline, PIPELINE_REPORTS_MIN } from "./pipeline";
import { benchSync } from "./sync";
import { printFigures, type Result } from "./figures";

const BENCHES: Record<string, { run: (options: BenchOptions) => Promise<Result>; says: string }> = {
  pipeline: { run: benchPipeline, says: "reports from the stream to the commit and the published change" },
  sync: { run: benchSync, says: "what it costs that the broker acknowledges only what is on the disk" },
  latency: { run: benchLatency, says: "from a sensor's publish to the webhook received" },
};

/** Null takes the bench's own default. */
export interface BenchOptions {
  readonly store: "sqlite";
  readonly rate: number | null;
  readonly seconds: number | null;
  readonly warmUpSeconds: number | null;
  readonly reports: number | null;
  readonly sensors: number;
  readonly pairs: number;
}

const USAGE = `Usage: npm run bench -- <name> [--store sqlite] [--sensors N] [--json]
       pipeline: [--reports N] [--pairs N]   latency: [--rate R] [--seconds S] [--warm-up S]   sync: [--seconds S] [--warm-up S] [--pairs N]

${Object.entries(BENCHES)
  .map(([name, { says }]) => `  ${name.padEnd(10)} ${says}`)
  .join("\n")}

Example: npm run bench -- latency --rate 5000 --seconds 10 --json`;

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      store: { type: "string", default: "sqlite" },
      rate: { type: "string" },
      seconds: { type: "string" },
      "warm-up": { type: "string" },
      reports: { type: "string" },
      sensors: { type: "string", default: "10000" },
      pairs: { type: "string", default: "3" },
      json: { type: "boolean", default: false },
    },
  });
  const bench = BENCHES[positionals[0] ?? ""];
  if (bench === undefined || positionals.length !== 1) throw new Error(`name one bench of: ${Object.keys(BENCHES).join(", ")}`);
  if (values.store !== "sqlite") throw new Error(`--store ${values.store}: only sqlite can be measured in this version`);
  const options: BenchOptions = {
    store: values.store,
    rate: positive("rate", values.rate),
    seconds: positive("seconds", values.seconds),
    warmUpSeconds: positive("warm-up", values["warm-up"]),
    reports: positive("reports", values.reports, PIPELINE_REPORTS_MIN),
    sensors: positive("sensors", values.sensors) as number,
    pairs: positive("pairs", values.pairs) as number,
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
