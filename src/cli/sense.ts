import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { type Command, InvalidArgumentError, Option } from "commander";
import { readCliConfig } from "../config";
import { isFault } from "../domain/fault";
import { HEARTBEAT_SECONDS_MIN } from "../domain/sensor";
import { type Api, ApiError, openApi } from "./api";
import { decimal } from "./flags";
import { hostId } from "./hostId";
import { type Lifetime, openLifetime } from "./lifetime";
import { diskUse, type Reading, type ReadingName, readMachine } from "./machine";
import { openOutput, type Output } from "./output";
import type { Reports } from "./reports";
import { type Level, levelOf, type Threshold } from "./thresholds";

const DEADLINE_MS = 5000;
const TRIES = 5;
const RETRY_MS = 500;

type Thresholds = Readonly<Record<ReadingName, Threshold>>;

interface SenseOptions extends Thresholds {
  readonly id?: string;
  readonly interval: number;
  readonly once?: boolean;
  readonly path: string;
}

export function addSense(program: Command): void {
  program
    .command("sense")
    .description("report this machine as sensors: load, memory, disk and, where there is a thermometer, temperature")
    .option("--id <name>", "prefix of the sensors' ids (default: the host's name)")
    .option("--interval <seconds>", "time between two rounds of reports", decimal({ min: 0.2, max: 86_400 }), 5)
    .option("--once", "report one round, then exit")
    .option("--path <folder>", "the file system to watch", diskFolder, "/")
    .addOption(thresholdOption("load", "load per core", { warning: 1, critical: 2 }))
    .addOption(thresholdOption("memory", "percent in use", { warning: 80, critical: 95 }))
    .addOption(thresholdOption("disk", "percent in use", { warning: 80, critical: 95 }))
    .addOption(thresholdOption("temperature", "degrees Celsius", { warning: 70, critical: 85 }))
    .addHelpText("after", EXAMPLES)
    .action(sense);
}

async function sense(options: SenseOptions): Promise<void> {
  const config = readCliConfig();
  const host = hostId(options.id ?? hostname());
  using lifetime = openLifetime({ launched: config.launched, deadlineMs: DEADLINE_MS });
  // Loaded here: the commands that do not speak NATS start sooner.
  const { openReports } = await import("./reports");
  await using reports = await openReports({ urls: config.natsUrls, name: "tocsin-sense" });
  if (!options.once) await expectHeartbeats(openApi(config), { host, options });
  const rounds = new Rounds({ reports, output: openOutput(lifetime), place: { host, options } });
  for (;;) {
    const startedAt = performance.now();
    const told = await rounds.tell();
    if (options.once && !told) process.exitCode = 1;
    if (options.once || (await isAskedWithin(lifetime, startedAt + options.interval * 1000 - performance.now()))) return;
  }
}

interface Place {
  readonly host: string;
  readonly options: SenseOptions;
}

/** Reads and reports, round by round; a level depends on the one before. */
class Rounds {
  readonly #levels = new Map<ReadingName, Level>();
  readonly #run = randomBytes(6).toString("hex");
  #count = 0;

  constructor(private readonly means: { readonly reports: Reports; readonly output: Output; readonly place: Place }) {}

  /** One round; false when a report of it was not acknowledged. */
  async tell(): Promise<boolean> {
    const results = await Promise.all(readMachine(this.means.place.options.path).map((reading) => this.#tellOne(reading)));
    return results.every(Boolean);
  }

  async #tellOne({ name, value, message }: Reading): Promise<boolean> {
    const { reports, output, place } = this.means;
    const status = levelOf(value, place.options[name], this.#levels.get(name) ?? null);
    this.#levels.set(name, status);
    this.#count += 1;
    const sensorId = `${place.host}-${name}`;
    const report = { status, value, message, at: new Date().toISOString(), id: `${this.#run}-${this.#count}` };
    const reason = await publishAgain(reports, sensorId, Buffer.from(JSON.stringify(report)));
    output.print(`${report.at}  ${sensorId.padEnd(24)}  ${status.padEnd(8)}  ${String(value).padStart(6)}  ${message}`);
    if (reason !== null) console.error(`${sensorId}: not acknowledged: ${reason}`);
    return reason === null;
  }
}

/** The same report, with its id, until it is acknowledged or the next round's is worth more; null, or why not. */
async function publishAgain(reports: Reports, sensorId: string, payload: Uint8Array): Promise<string | null> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await reports.publish(sensorId, payload);
      return null;
    } catch (error) {
      if (!isFault(error, "unavailable")) throw error;
      if (attempt === TRIES) return error.message;
      await Bun.sleep(RETRY_MS);
    }
  }
}

/** So that Tocsin notices when this machine falls silent. Without the API, or a token for it, the sensors only report. */
async function expectHeartbeats(api: Api, { host, options }: Place): Promise<void> {
  if (!api.hasToken || !(await api.answers())) {
    console.error(`no heartbeats are registered: ${api.hasToken ? `nothing answers at ${api.url}` : "there is no token for the API"}`);
    return;
  }
  for (const { name } of readMachine(options.path)) await expectHeartbeat(api, { host, options }, name);
}

async function expectHeartbeat(api: Api, { host, options }: Place, name: ReadingName): Promise<void> {
  const id = `${host}-${name}`;
  const intervalSeconds = Math.max(1, Math.ceil(options.interval));
  const heartbeat = { intervalSeconds, graceSeconds: Math.max(HEARTBEAT_SECONDS_MIN, intervalSeconds * 2) };
  try {
    await api.request("POST", "/v1/sensors", { id, name: `${name} of ${host}`, labels: { host, reading: name }, heartbeat });
  } catch (error) {
    // It registered itself before, or an operator did: what else stands there is not ours to change.
    if (!(error instanceof ApiError && error.status === 409)) throw error;
    await api.request("PATCH", `/v1/sensors/${id}`, { heartbeat });
  }
}

async function isAskedWithin(lifetime: Lifetime, ms: number): Promise<boolean> {
  await Promise.race([lifetime.asked, Bun.sleep(Math.max(0, ms))]);
  return lifetime.isAsked();
}

function diskFolder(text: string): string {
  if (diskUse(text) === null) throw new InvalidArgumentError("It is a folder of a file system that has a size.");
  return text;
}

function thresholdOption(name: ReadingName, unit: string, initial: Threshold): Option {
  return new Option(`--${name} <warning,critical>`, unit).argParser(threshold).default(initial, `${initial.warning},${initial.critical}`);
}

function threshold(text: string): Threshold {
  const [warning = Number.NaN, critical = Number.NaN, ...rest] = text
    .split(",")
    .map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (!(warning > 0 && warning <= critical && Number.isFinite(critical)) || rest.length > 0) {
    throw new InvalidArgumentError("It is two numbers, the smaller first, such as 80,95.");
  }
  return { warning, critical };
}

const EXAMPLES = `
Examples:
  $ tocsin sense
  $ tocsin sense --once
  $ tocsin sense --id kitchen-pi --interval 10 --temperature 60,75
  $ tocsin sense --memory 50,90 --disk 70,90 --path /var

The sensors are <host>-load, <host>-memory, <host>-disk and <host>-temperature; their statuses ok, warning and critical.`;
