import type { Command } from "commander";
import { readCliConfig } from "../config";
import type { ChangeData } from "../domain/change";
import { changeLine } from "./changeLine";
import { paintFor } from "./colour";
import { sensorId } from "./flags";
import { openLifetime } from "./lifetime";
import { openOutput } from "./output";
import { shownUrl } from "../addresses";

const DEADLINE_MS = 5000;

interface TailOptions {
  readonly sensor?: string;
  readonly json?: boolean;
}

export function addTail(program: Command): void {
  program
    .command("tail")
    .description("follow the changes as they are published, one line each")
    .option("--sensor <id>", "of this sensor alone", sensorId)
    .option("--json", "the messages as they are, one per line")
    .addHelpText("after", EXAMPLES)
    .action(tail);
}

async function tail({ sensor, json }: TailOptions): Promise<void> {
  const config = readCliConfig();
  const paint = paintFor(config.colour && process.stdout.isTTY);
  using lifetime = openLifetime({ launched: config.launched, deadlineMs: DEADLINE_MS });
  const output = openOutput(lifetime);
  // Loaded here: the commands that do not speak NATS start sooner.
  const { openNatsLink } = await import("./natsLink");
  const { followChanges } = await import("../jetstream/tail");
  const link = await openNatsLink(config.natsUrls, "tocsin-tail");
  try {
    const following = await followChanges(link, { sensorId: sensor ?? null }, (body) => {
      output.print(json ? body : changeLine((JSON.parse(body) as { data: ChangeData }).data, paint));
    });
    console.error(
      `following the changes${sensor === undefined ? "" : ` of ${sensor}`} at ${config.natsUrls.map(shownUrl).join(", ")}; Ctrl-C ends it`,
    );
    await lifetime.asked;
    await following.stop();
  } finally {
    await link.close();
  }
}

const EXAMPLES = `
Examples:
  $ tocsin tail
  $ tocsin tail --sensor boiler-7
  $ tocsin tail --json | jq 'select(.data.to.severity == "critical")'

A line tells when it occurred, the sensor, from → to, the cause with the sensor's revision, and what the report said.`;
