import { existsSync } from "node:fs";
import type { Command } from "commander";
import { addressOf, dialHost, shownUrl } from "../addresses";
import { type CliConfig, type Config, ConfigError, readCliConfig, readConfig } from "../config";
import { isFault } from "../domain/fault";
import type { PartitionStatus, Store } from "../store/store";
import { paintFor } from "./colour";
import { examineBroker } from "./doctor/broker";
import { examineWork } from "./doctor/database";
import { fail, type Finding, ok, unseen, warn } from "./doctor/findings";
import { EXIT_FAILED } from "./errors";

/** P where nobody has chosen one yet. */
const PARTITIONS_DEFAULT = { sqlite: 1, postgres: 16 } as const;
const READY_MS = 5000;
const SHOWN = { ok: ["ok", "green"], warn: ["warn", "yellow"], fail: ["FAIL", "red"], unseen: ["–", "dim"] } as const;
const SUBJECT_CHARS = 17;
const INDENT = " ".repeat(6 + SUBJECT_CHARS + 1);

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("look at the configuration, the database and the broker, and say what is wrong and what to do about it")
    .option("--json", "one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(doctor);
}

async function doctor({ json = false }: { json?: boolean }): Promise<void> {
  const findings = await examine();
  const failed = findings.some(({ level }) => level === "fail");
  if (json) console.log(JSON.stringify({ ok: !failed, findings }));
  else print(findings);
  if (failed) process.exitCode = EXIT_FAILED;
}

function print(findings: readonly Finding[]): void {
  const paint = paintFor(readCliConfig().colour && process.stdout.isTTY);
  for (const { subject, level, text, advice } of findings) {
    const [word, hue] = SHOWN[level];
    console.log(`${paint(hue, word.padEnd(5))} ${subject.padEnd(SUBJECT_CHARS)} ${text}`);
    for (const line of advice?.split("\n") ?? []) console.log(`${INDENT}${line}`);
  }
}

async function examine(): Promise<Finding[]> {
  let read: { config: Config; cli: CliConfig };
  try {
    read = { config: readConfig().config, cli: readCliConfig() };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => fail("configuration", problem, "set it right; .env.example tells what each variable takes"));
  }
  const { config, cli } = read;
  const database = await examineDatabase(config, cli);
  return [ok("configuration", configured(config)), ...database.findings, ...(await examineNats(config, cli, database))];
}

function configured({ roles, partitions, store, nats }: Config): string {
  const p = partitions === null ? "" : `, PARTITIONS ${partitions}`;
  return `${store.kind}, ${nats.kind === "embedded" ? "a broker of its own" : "somebody else's broker"}, roles ${roles.join(" ")}${p}`;
}

interface DatabaseSeen {
  readonly findings: readonly Finding[];
  readonly partitions: number;
  /** Null where the database could not be looked at. */
  readonly statuses: readonly PartitionStatus[] | null;
  /** Whether a Tocsin may be running. */
  readonly running: boolean;
}

async function examineDatabase(config: Config, cli: CliConfig): Promise<DatabaseSeen> {
  const partitions = config.partitions ?? PARTITIONS_DEFAULT[config.store.kind];
  const blind = (findings: readonly Finding[], running: boolean): DatabaseSeen => ({ findings, partitions, statuses: null, running });
  const { store: place } = config;
  if (place.kind === "sqlite" && !existsSync(place.file)) {
    return blind(
      [warn("database", `${place.file} is not there yet`, "the first start makes it; if there was one, look at DATA_DIR")],
      false,
    );
  }
  try {
    return await withStore(config, (store) => lookInto(store, config));
  } catch (error) {
    if (!isFault(error)) throw error;
    if (place.kind === "sqlite" && error.kind === "conflict") {
      return blind([...(await askRunning(cli)), unseen("database", error.message, NOT_LOOKED_AT)], true);
    }
    const shown = place.kind === "sqlite" ? place.file : shownUrl(place.url);
    return blind([fail("database", `${shown}: ${error.message}`, "start it, or set DATABASE_URL (DATA_DIR for SQLite) right")], true);
  }
}

const NOT_LOOKED_AT = "leases, lag and incidents were not looked at: stop that Tocsin first, or ask its API (/v1/incidents, /metrics)";

async function withStore<Result>(config: Config, work: (store: Store) => Promise<Result>): Promise<Result> {
  const { withOwnStore } = await import("./ownStore");
  return withOwnStore(config, work, { asFound: true });
}

async function lookInto(store: Store, { store: place, partitions: wanted }: Config): Promise<DatabaseSeen> {
  await store.probe();
  const statuses = await store.listPartitions();
  const where = place.kind === "sqlite" ? place.file : shownUrl(place.url);
  if (statuses.length === 0) {
    const partitions = wanted ?? PARTITIONS_DEFAULT[place.kind];
    const text = `${place.kind} at ${where}, tables up to date; nobody has worked on it yet`;
    return { findings: [warn("database", text, "start a node")], partitions, statuses, running: false };
  }
  try {
    // Somebody has worked on it, so that P is fixed: this only reads it.
    const partitions = await store.fixPartitionCount(wanted, 0);
    const text = `${place.kind} at ${where}, tables up to date, ${partitions === 1 ? "1 partition" : `${partitions} partitions`}`;
    const work = place.kind === "sqlite" ? await examineQuiet(store, partitions, statuses) : await examineWork(store, partitions, statuses);
    return { findings: [ok("database", text), ...work], partitions, statuses, running: place.kind !== "sqlite" };
  } catch (error) {
    if (!isFault(error, "conflict")) throw error;
    return {
      findings: [fail("database", error.message, "PARTITIONS cannot be changed later")],
      partitions: wanted ?? 1,
      statuses,
      running: true,
    };
  }
}

/** The data folder is ours just now: nobody can be at work. */
async function examineQuiet(store: Store, partitions: number, statuses: readonly PartitionStatus[]): Promise<Finding[]> {
  const findings = await examineWork(store, partitions, statuses);
  return findings.filter(({ subject }) => !subject.endsWith("leases"));
}

/** The running Tocsin holds the data folder: it alone can say how it is. */
async function askRunning({ apiUrl }: CliConfig): Promise<Finding[]> {
  try {
    const response = await fetch(`${apiUrl}/readyz`, { signal: AbortSignal.timeout(READY_MS) });
    if (response.ok) return [ok("running Tocsin", `${apiUrl}/readyz says that it is ready`)];
    const { detail } = (await response.json()) as { detail?: string };
    return [fail("running Tocsin", `${apiUrl}/readyz: ${detail ?? response.status}`, "its log tells more")];
  } catch {
    return [
      fail("running Tocsin", `nothing answers at ${apiUrl}`, "set TOCSIN_URL (or HTTP_HOST and HTTP_PORT) to where it listens, or end it"),
    ];
  }
}

async function examineNats({ nats }: Config, { natsUrls }: CliConfig, { partitions, statuses, running }: DatabaseSeen): Promise<Finding[]> {
  if (nats.kind === "embedded" && !running) {
    return [unseen("broker", `not looked at: it runs at ${addressOf(dialHost(nats.host), nats.port)} while Tocsin does`)];
  }
  const { openNatsLink } = await import("./natsLink");
  const urls = natsUrls.map(shownUrl).join(", ");
  try {
    const link = await openNatsLink(natsUrls, "tocsin-doctor");
    try {
      return await examineBroker(link, { partitions, statuses, replicas: nats.kind === "external" ? nats.replicas : 1 });
    } finally {
      await link.close();
    }
  } catch (error) {
    if (!isFault(error)) throw error;
    return [fail("broker", `no NATS answers at ${urls}`, "start it, or set NATS_URL right")];
  }
}

const EXAMPLES = `
Examples:
  $ tocsin doctor
  $ tocsin doctor --json | jq '.findings[] | select(.level == "fail")'
  $ DATABASE_URL=postgres://tocsin@db/tocsin NATS_URL=nats://broker:4222 tocsin doctor

It changes nothing but for one probe among the reports, and ends with exit code 1 if anything FAILs.`;
