import { join, relative } from "node:path";
import type { Command } from "commander";
import { version } from "../../package.json";
import { type Config, environmentWith, readCliConfig, readConfig } from "../config";
import { ADMIN_TOKEN_FILE } from "../firstToken";
import type { Service } from "../service";
import { runService } from "./runService";
import { shownUrl } from "../addresses";

export function addUp(program: Command): void {
  program
    .command("up")
    .description("run everything on this machine: API, ingest and notifier, with a nats-server and a SQLite database of its own")
    .addHelpText("after", EXAMPLES)
    .action(up);
}

async function up(): Promise<void> {
  // What it has to say to a person stands on stdout; beside that only what went wrong.
  const { config, secrets } = readConfig(environmentWith({}), { logLevel: "warn" });
  await runService({
    config,
    secrets,
    launched: readCliConfig().launched,
    say: (line) => console.log(line),
    started: (service) => console.log(banner(service, config)),
  });
}

/** What a person needs to know of a Tocsin that has just started. The token stands in it at the very first start alone. */
export function banner(service: Omit<Service, "stop">, config: Pick<Config, "dataDir">): string {
  const { httpUrl, natsUrl, mqttUrl, firstAdminToken } = service;
  return [
    "",
    `Tocsin ${version} is up`,
    "",
    `  API        ${httpUrl}/v1`,
    `  Reference  ${httpUrl}/swagger`,
    `  NATS       ${shownUrl(natsUrl)}    sensors.<id>.status`,
    ...(mqttUrl === null ? [] : [`  MQTT       ${mqttUrl}    sensors/<id>/status`]),
    `  Data       ${nearby(config.dataDir)}`,
    ...(firstAdminToken === null ? [] : ["", ...tokenLines(firstAdminToken, nearby(config.dataDir))]),
    "",
    "Ctrl-C stops it.",
    "",
  ].join("\n");
}

/** Seen from the folder that it was started in, where it lies below it. */
function nearby(folder: string): string {
  const path = relative(process.cwd(), folder);
  return path === "" || path.startsWith("..") ? folder : `./${path}`;
}

function tokenLines(token: string, dataDir: string): string[] {
  return [`  Admin token, shown this once: ${token}`, `  The command line reads its own copy from ${join(dataDir, ADMIN_TOKEN_FILE)}.`];
}

const EXAMPLES = `
Examples:
  $ tocsin up
  $ HTTP_PORT=9090 DATA_DIR=/var/lib/tocsin tocsin up
  $ HTTP_HOST=0.0.0.0 ADMIN_TOKEN_FILE=/run/secrets/tocsin tocsin up

Every variable stands in .env.example; a file .env in the folder is read, too.`;
