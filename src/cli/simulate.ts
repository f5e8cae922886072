import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { readCliConfig } from "../config";
import { FleetPlan } from "./fleetPlan";
import { FleetRun } from "./fleetRun";
import { decimal, wholeNumber } from "./flags";
import { openLifetime } from "./lifetime";

const PROGRESS_MS = 1000;
const PATIENCE_MS = 30_000;

interface SimulateOptions {
  readonly sensors: number;
  readonly rate: number;
  readonly changeShare: number;
  readonly seconds: number;
}

export function addSimulate(program: Command): void {
  program
    .command("simulate")
    .description("simulate a fleet of sensors that report over NATS, and repeat each report until it is acknowledged")
    .option("--sensors <count>", "number of sensors", wholeNumber({ min: 1, max: 1_000_000 }), 100)
    .option("--rate <reports>", "reports per second, all sensors together", decimal({ min: 0.1, max: 200_000 }), 100)
    .option("--change-share <share>", "share of the reports that change a status, 0 to 1", decimal({ min: 0, max: 1 }), 0.05)
    .option("--seconds <seconds>", "how long it runs", decimal({ min: 0.1, max: 86_400 }), 10)
    .addHelpText("after", EXAMPLES)
    .action(simulate);
}

async function simulate({ sensors, rate, changeShare, seconds }: SimulateOptions): Promise<void> {
  const config = readCliConfig();
  using lifetime = openLifetime({ launched: config.launched, deadlineMs: PATIENCE_MS + 5000 });
  // Loaded here: the commands that do not speak NATS start sooner.
  const { openReports } = await import("./reports");
  await using reports = await openReports({ urls: config.natsUrls, name: "tocsin-simulate" });
  const run = `sim-${randomBytes(6).toString("hex")}`;
  const plan = new FleetPlan({ sensors, changeShare, run, random: Math.random });
  const fleet = new FleetRun({
    plan,
    rate,
    seconds,
    patienceMs: PATIENCE_MS,
    publish: (id, payload) => reports.publish(id, payload),
    isAsked: () => lifetime.isAsked(),
  });
  const progress = showProgress(fleet, seconds);
  try {
    await fleet.finish();
  } finally {
    progress.end();
  }
  console.log(summary(fleet));
  if (fleet.failed > 0) process.exitCode = 1;
}

/** One line that is written over at a terminal; elsewhere a line each second. */
function showProgress(fleet: FleetRun, seconds: number): { end(): void } {
  const tty = process.stderr.isTTY;
  const show = () => process.stderr.write(tty ? `\r\u001b[K${progressLine(fleet, seconds)}` : `${progressLine(fleet, seconds)}\n`);
  const timer = setInterval(show, PROGRESS_MS);
  return {
    end() {
      clearInterval(timer);
      if (tty) process.stderr.write("\r\u001b[K");
    },
  };
}

type Tally = Pick<FleetRun, "sent" | "acknowledged" | "retried" | "failed" | "inFlight" | "seconds" | "latencies" | "lastReason">;

export function progressLine({ sent, acknowledged, retried, inFlight, seconds, lastReason }: Tally, total: number): string {
  const trouble = retried > 0 && inFlight > 0 && lastReason !== null ? `, last failure: ${lastReason}` : "";
  return `${Math.min(seconds, total).toFixed(0)}/${total} s  sent ${sent}, acknowledged ${acknowledged}, in flight ${inFlight}, retried ${retried}${trouble}`;
}

export function summary({ sent, acknowledged, retried, failed, seconds, latencies, lastReason }: Tally): string {
  const ms = (share: number) => {
    const value = latencies.quantile(share);
    return value === null ? "–" : `${value.toFixed(value < 10 ? 2 : 0)} ms`;
  };
  return [
    `sent             ${sent}`,
    `acknowledged     ${acknowledged}`,
    `retried          ${retried}`,
    `failed           ${failed}${failed > 0 && lastReason !== null ? `  (${lastReason})` : ""}`,
    `rate reached     ${(sent / seconds).toFixed(1)} reports/s in ${seconds.toFixed(1)} s`,
    `acknowledgement  p50 ${ms(0.5)}, p99 ${ms(0.99)}`,
  ].join("\n");
}

const EXAMPLES = `
Examples:
  $ tocsin simulate
  $ tocsin simulate --sensors 1000 --rate 2000 --change-share 0.05 --seconds 30
  $ NATS_URL=nats://broker:4222 tocsin simulate --rate 50 --seconds 3600

The sensors are sim-1, sim-2 …; every report has an id and a time. The exit code is 1 if any report was never acknowledged.`;
