import { type Command, InvalidArgumentError, Option } from "commander";
import { readCliConfig } from "../config";
import { CHANGE_KINDS, type ChangeData, type ChangeKind } from "../domain/change";
import { DIRECTIONS, type Filter, FORMATS, type WebhookSettings } from "../domain/webhook";
import { BATCH_ITEMS_MAX, BATCH_ITEMS_MIN } from "../domain/webhookLimits";
import { type Api, ApiError, openApi } from "./api";
import { changeLine } from "./changeLine";
import { type Paint, paintFor } from "./colour";
import { UsageError } from "./errors";
import { collect, commaList, label, sensorId, wholeNumber } from "./flags";
import { openLifetime } from "./lifetime";
import { openOutput } from "./output";
import { openReceiver, type ReceivedRequest } from "./receiver";
import { register, unregister, type Wish } from "./registration";

const DEADLINE_MS = 5000;
/** Nobody who looks on wants to wait longer. */
const BATCH_WAIT_MS = 500;

interface ListenOptions {
  readonly port: number;
  readonly host: string;
  readonly url?: string;
  readonly secret?: string;
  /** Undefined unless the flag or its opposite was given. */
  readonly register?: boolean;
  readonly json?: boolean;
  readonly sensor?: readonly string[];
  readonly label?: readonly (readonly [string, string])[];
  readonly kind?: readonly ChangeKind[];
  readonly from?: readonly string[];
  readonly to?: readonly string[];
  readonly direction?: (typeof DIRECTIONS)[number];
  readonly minSeverity?: "ok" | "warning" | "critical";
  readonly initial?: boolean;
  readonly format?: WebhookSettings["format"];
  readonly batch?: number;
}

export function addListen(program: Command): void {
  program
    .command("listen")
    .description(
      "receive webhooks on this machine: registers itself, verifies every signature, prints every delivery, and leaves at Ctrl-C",
    )
    .option("--port <port>", "where to listen; 0 takes any free one", wholeNumber({ min: 0, max: 65_535 }), 9000)
    .option("--host <address>", "the address to listen on", "127.0.0.1")
    .option("--url <url>", "the URL that Tocsin posts to (default: where it listens)")
    .option("--secret <whsec>", "the secret of a webhook that exists already; then none is registered", secret)
    .option("--register", "register a webhook through the API (default, unless there is a --secret)")
    .option("--no-register", "register nothing")
    .option("--json", "print the bodies as they came, one per line")
    .option("--sensor <id>", "only this sensor; may repeat", collect(sensorId))
    .option("--label <key:value>", "only sensors with this label; may repeat", collect(label))
    .addOption(new Option("--kind <kind>", "only changes of this kind").choices(CHANGE_KINDS).argParser(collect(kind)))
    .option("--from <statuses>", "only changes from these statuses", commaList)
    .option("--to <statuses>", "only changes to these statuses, such as hot,overheated", commaList)
    .addOption(
      new Option("--min-severity <severity>", "only changes to or from this severity or above").choices(["ok", "warning", "critical"]),
    )
    .addOption(new Option("--direction <direction>", "only changes to a higher or to a lower severity").choices(DIRECTIONS))
    .option("--initial", "also a sensor's first report when it is ok")
    .addOption(new Option("--format <format>", "format of the bodies (default: standard)").choices(FORMATS))
    .option("--batch <items>", "up to this many deliveries in one request", wholeNumber({ min: BATCH_ITEMS_MIN, max: BATCH_ITEMS_MAX }))
    .addHelpText("after", EXAMPLES)
    .action(listen);
}

async function listen(options: ListenOptions): Promise<void> {
  const config = readCliConfig();
  const api = openApi(config);
  const registering = await registers(options, api);
  const secret = Promise.withResolvers<string>();
  const paint = paintFor(config.colour && process.stdout.isTTY);
  using lifetime = openLifetime({ launched: config.launched, deadlineMs: DEADLINE_MS });
  const output = openOutput(lifetime);
  const receiver = openReceiver({
    host: options.host,
    port: options.port,
    secret: secret.promise,
    onRequest: ({ body, events }) => {
      if (options.json) output.print(body);
      else for (const event of events) output.print(eventLine(event, paint));
    },
    onRefusal: (reason) => console.error(`${paint("red", "refused")}  ${reason}`),
  });
  try {
    const url = options.url ?? receiver.url;
    const registered = registering ? await register(api, url, wishOf(options)) : null;
    secret.resolve(registered?.secret ?? (options.secret as string));
    console.error(`listening on ${receiver.url}${registered === null ? "" : `, registered as ${registered.id}`}; Ctrl-C ends it`);
    await lifetime.asked;
    if (registered !== null) await leave(api, registered.id);
  } finally {
    await receiver.stop();
  }
}

async function registers({ secret, register: wish }: ListenOptions, api: Api): Promise<boolean> {
  if (secret !== undefined && wish === true) throw new UsageError("--register makes a secret of its own: leave --secret out");
  if (secret === undefined && wish === false) throw new UsageError("--no-register needs --secret, or no signature could be verified");
  if (secret !== undefined) return false;
  if (await api.answers()) return true;
  throw new ApiError(null, `no Tocsin answers at ${api.url}; start one (tocsin up), set TOCSIN_URL, or give the --secret of a webhook`);
}

async function leave(api: Api, id: string): Promise<void> {
  try {
    await unregister(api, id);
    console.error(`webhook ${id} is deleted`);
  } catch (error) {
    const rest = `it stays until DELETE ${api.url}/v1/webhooks/${id}, or the next tocsin listen at the same address`;
    console.error(`could not remove webhook ${id}: ${(error as Error).message}; ${rest}`);
    process.exitCode = 1;
  }
}

/** How it wants to be sent to. */
function wishOf(options: ListenOptions): Wish {
  const { format, batch } = options;
  return {
    filter: filterOf(options),
    ...(format === undefined ? {} : { format }),
    ...(batch === undefined ? {} : { batch: { maxItems: batch, maxWaitMs: BATCH_WAIT_MS } }),
  };
}

/** The fields of a filter that the flags ask for. */
export function filterOf(options: Partial<ListenOptions>): Filter {
  const { sensor, label: labels, kind: kinds, from, to, direction, minSeverity, initial } = options;
  return {
    ...(sensor === undefined ? {} : { sensorIds: sensor }),
    ...(labels === undefined ? {} : { labels: Object.fromEntries(labels) }),
    ...(kinds === undefined ? {} : { kinds }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(direction === undefined ? {} : { direction }),
    ...(minSeverity === undefined ? {} : { minSeverity }),
    ...(initial === undefined ? {} : { initial }),
  };
}

/** A verified event in one line. */
export function eventLine({ id, type, time, data, repeated }: ReceivedRequest["events"][number], paint: Paint): string {
  const text = type.startsWith("sensor.") ? changeLine(data as ChangeData, paint) : `${paint("dim", time)}  ${type}${factsOf(type, data)}`;
  return `${paint("green", "verified")}  ${text}  ${paint("dim", id)}${repeated ? paint("yellow", "  (again)") : ""}`;
}

/** Of what is said about webhooks and deliveries. */
function factsOf(type: string, data: unknown): string {
  return type === "webhook.test" ? "" : `  ${JSON.stringify(data)}`;
}

function secret(text: string): string {
  if (!/^whsec_[A-Za-z0-9+/]{16,}={0,2}$/.test(text)) throw new InvalidArgumentError("It begins with whsec_, base64 follows.");
  return text;
}

function kind(text: string): ChangeKind {
  const found = CHANGE_KINDS.find((each) => each === text);
  if (found === undefined) throw new InvalidArgumentError(`It is one of ${CHANGE_KINDS.join(", ")}.`);
  return found;
}

const EXAMPLES = `
Examples:
  $ tocsin listen
  $ tocsin listen --min-severity warning --label site:north
  $ tocsin listen --port 9001 --sensor boiler-7 --to hot,overheated
  $ tocsin listen --from hot,overheated --direction lowered
  $ tocsin listen --format cloudevents --batch 100 --json
  $ tocsin listen --secret whsec_… --json | jq .data.to

Answers 204 to what is signed with the webhook's secret and 401 to anything else.`;
