import { type Command, Option } from "commander";
import { environmentWith, readCliConfig, readConfig } from "../config";
import { openLog } from "../telemetry/log";
import { runService } from "./runService";
import { shownUrl } from "../addresses";

export function addServe(program: Command): void {
  program
    .command("serve")
    .description(
      "run as one node of many: the same service on the broker and the database that NATS_URL and DATABASE_URL name; prints nothing but its log",
    )
    .addOption(new Option("--roles <roles>", "what this node does: any of http, ingest, notify (default: ROLES, else all)"))
    .addHelpText("after", EXAMPLES)
    .action(serve);
}

/** Without NATS_URL the broker is a child of ours, as in `up`. */
async function serve({ roles }: { roles?: string }): Promise<void> {
  const { config, secrets } = readConfig(environmentWith(roles === undefined ? {} : { ROLES: roles }));
  const log = openLog(config.logLevel);
  await runService({
    config,
    secrets,
    launched: readCliConfig().launched,
    say: (line) => log.info({ "event.action": "service.step" }, line),
    started: ({ httpUrl, natsUrl }) => {
      log.info({ "event.action": "service.started", httpUrl, natsUrl: shownUrl(natsUrl), roles: config.roles }, "started");
    },
  });
}

const EXAMPLES = `
Examples:
  $ NATS_URL=nats://broker:4222 tocsin serve
  $ NATS_URL=nats://broker:4222 tocsin serve --roles ingest,notify
  $ NATS_URL=nats://a:4222,nats://b:4222 LOG_LEVEL=warn tocsin serve --roles http`;
