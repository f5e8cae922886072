import type { Command } from "commander";
import { addressOf, dialHost } from "../addresses";
import { type CliConfig, type Config, readCliConfig, readConfig, type Secrets } from "../config";
import { ConfigError } from "../configReader";
import { isFault } from "../domain/fault";
import { paintFor } from "./colour";
import { examineBroker } from "./doctor/broker";
import { type DatabaseSeen, examineDatabase } from "./doctor/place";
import { fail, type Finding, ok, unseen } from "./doctor/findings";
import { EXIT_FAILED } from "./errors";

const SHOWN = { ok: ["ok", "green"], warn: ["warn", "yellow"], fail: ["FAIL", "red"], unseen: ["–", "dim"] } as const;
const SUBJECT_CHARS = 17;
const INDENT = " ".repeat(6 + SUBJECT_CHARS + 1);

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("check the configuration, the database and the broker, and say what is wrong and what to do about it")
    .option("--json", "print one JSON object")
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
  let read: { config: Config; secrets: Secrets; cli: CliConfig };
  try {
    read = { ...readConfig(), cli: readCliConfig() };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => fail("configuration", problem, "correct it; .env.example says what each variable takes"));
  }
  const { config, cli } = read;
  const database = await examineDatabase(read);
  return [ok("configuration", configured(config)), ...database.findings, ...(await examineNats(config, cli, database))];
}

function configured({ roles, partitions, store, nats }: Config): string {
  const p = partitions === null ? "" : `, PARTITIONS ${partitions}`;
  return `${store.kind}, ${nats.kind === "embedded" ? "a broker of its own" : "an external broker"}, roles ${roles.join(" ")}${p}`;
}

async function examineNats({ nats }: Config, { natsUrls }: CliConfig, { partitions, statuses, running }: DatabaseSeen): Promise<Finding[]> {
  if (nats.kind === "embedded" && !running) {
    return [unseen("broker", `not looked at: it runs at ${addressOf(dialHost(nats.host), nats.port)} while Tocsin does`)];
  }
  const { openNatsLink, refusalOf } = await import("./natsLink");
  try {
    const link = await openNatsLink(natsUrls, "tocsin-doctor");
    try {
      return await examineBroker(link, { partitions, statuses, replicas: nats.kind === "external" ? nats.replicas : 1 });
    } finally {
      await link.close();
    }
  } catch (error) {
    if (!isFault(error)) throw error;
    const { text, advice } = refusalOf(natsUrls, error.cause);
    return [fail("broker", text, advice)];
  }
}

const EXAMPLES = `
Examples:
  $ tocsin doctor
  $ tocsin doctor --json | jq '.findings[] | select(.level == "fail")'
  $ DATABASE_URL=postgres://tocsin@db/tocsin NATS_URL=nats://broker:4222 tocsin doctor

It changes nothing but for one probe among the reports, and ends with exit code 1 if anything FAILs.`;
