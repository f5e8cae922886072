import { type Command, InvalidArgumentError } from "commander";
import type { Reach } from "../domain/reach";
import { SCOPES, SCOPES_WITHIN_REACH, type Scope } from "../domain/token";
import { UsageError } from "./errors";
import { collect, commaList, label, sensorId, wholeNumber } from "./flags";
import { openTokenPlace, type ShownToken } from "./tokenPlaces";

const NAME_CHARS_MAX = 128;
const DAY_MS = 24 * 3600 * 1000;

interface CreateOptions {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly sensor?: string;
  readonly label?: readonly (readonly [string, string])[];
  readonly expiresDays?: number;
}

export function addToken(program: Command): void {
  const token = program.command("token").description("make, list and revoke tokens for the API").addHelpText("after", EXAMPLES);
  token
    .command("create")
    .description("make a token and print it, once: through the API of the running Tocsin, or directly in the database when none runs")
    .requiredOption("--name <name>", "who uses it", tokenName)
    .requiredOption("--scopes <scopes>", `what it may do, of ${SCOPES.join(", ")}`, scopeList)
    .option("--sensor <id>", "limits the token to this sensor", sensorId)
    .option("--label <key:value>", "limits the token to sensors that carry this label; may repeat, all must hold", collect(label))
    .option("--expires-days <days>", "how many days it is valid (default: no limit)", wholeNumber({ min: 1, max: 3650 }))
    .addHelpText("after", EXAMPLES)
    .action(create);
  token
    .command("list")
    .description("list all tokens, one line each: id, scopes, sensors, expiry, last use, name; the token itself is never shown again")
    .addHelpText("after", EXAMPLES)
    .action(list);
  token
    .command("revoke")
    .description("revoke a token, on every node within a second")
    .argument("<id>", "the token's id, tok_…, as the list shows it")
    .addHelpText("after", EXAMPLES)
    .action(revoke);
}

async function create(options: CreateOptions): Promise<void> {
  const { name, scopes, expiresDays } = options;
  const reach = reachOf(options);
  const place = await openTokenPlace();
  console.log(await place.create({ name, scopes, reach, expiresAt: expiresDays === undefined ? null : Date.now() + expiresDays * DAY_MS }));
}

async function list(): Promise<void> {
  for (const token of await (await openTokenPlace()).list()) console.log(tokenLine(token));
}

async function revoke(id: string): Promise<void> {
  await (await openTokenPlace()).revoke(id);
  console.error(`${id} is revoked`);
}

/** Throws {@link UsageError} for what the API would refuse. */
function reachOf({ sensor, label: labels, scopes }: CreateOptions): Reach | null {
  if (sensor === undefined && labels === undefined) return null;
  if (sensor !== undefined && labels !== undefined) throw new UsageError("--sensor and --label cannot be combined");
  const wide = scopes.find((scope) => !SCOPES_WITHIN_REACH.includes(scope));
  if (wide !== undefined) {
    throw new UsageError(`${wide} speaks of all sensors; with --sensor or --label a token can have ${SCOPES_WITHIN_REACH.join(", ")}`);
  }
  return sensor === undefined ? { labels: Object.fromEntries(labels ?? []) } : { sensorId: sensor };
}

/** One line; the name, which may hold anything, is its end. */
export function tokenLine({ id, name, scopes, sensorId: sensor, labels, expiresAt, lastUsedAt }: ShownToken): string {
  const carried = Object.entries(labels ?? {}).map(([key, value]) => `${key}:${value}`);
  const reach = sensor ?? (labels === null ? "all sensors" : carried.join(","));
  const expiry = expiresAt === null ? "for ever" : `until ${expiresAt}`;
  return [id, scopes.join(","), reach, expiry, lastUsedAt === null ? "never used" : `used ${lastUsedAt}`, name].join("  ");
}

function tokenName(text: string): string {
  if (text.trim() === "" || text.length > NAME_CHARS_MAX) throw new InvalidArgumentError(`It has 1 to ${NAME_CHARS_MAX} characters.`);
  return text;
}

function scopeList(text: string, before: readonly Scope[] = []): Scope[] {
  const scopes = commaList(text);
  const wrong = scopes.find((scope) => !(SCOPES as readonly string[]).includes(scope));
  if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is none of ${SCOPES.join(", ")}.`);
  return [...before, ...(scopes as Scope[])];
}

const EXAMPLES = `
Examples:
  $ tocsin token create --name dashboard --scopes sensors:read,webhooks:read
  $ tocsin token create --name gateway-7 --scopes reports:write --expires-days 365
  $ tocsin token create --name boiler-7 --scopes reports:write --sensor boiler-7
  $ tocsin token create --name north --scopes sensors:read,reports:write --label site:north
  $ tocsin token list
  $ tocsin token revoke tok_…
  $ TOCSIN_TOKEN=… TOCSIN_URL=https://tocsin.example.org tocsin token create --name ops --scopes admin`;
