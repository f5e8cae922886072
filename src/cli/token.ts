import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { type CliConfig, readCliConfig, readConfig } from "../config";
import { Fault } from "../domain/fault";
import { hashToken, mintToken, SCOPES, type Scope } from "../domain/token";
import { type Api, ApiError, openApi } from "./api";
import { commaList, wholeNumber } from "./flags";
import { withOwnStore } from "./ownStore";

const NAME_CHARS_MAX = 128;
const DAY_MS = 24 * 3600 * 1000;

interface CreateOptions {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresDays?: number;
}

export function addToken(program: Command): void {
  const token = program.command("token").description("tokens for the API").addHelpText("after", EXAMPLES);
  token
    .command("create")
    .description("make a token and print it, once: by the API of the running Tocsin, else straight in the database of this data folder")
    .requiredOption("--name <name>", "whose it is", tokenName)
    .requiredOption("--scopes <scopes>", `what it may do, of ${SCOPES.join(", ")}`, scopeList)
    .option("--expires-days <days>", "how long it is valid (default: for ever)", wholeNumber({ min: 1, max: 3650 }))
    .addHelpText("after", EXAMPLES)
    .action(create);
}

async function create(options: CreateOptions): Promise<void> {
  const cli = readCliConfig();
  const api = openApi(cli);
  console.log((await isRunning(api, cli)) ? await createByApi(api, options) : await createInStore(options));
}

/** Throws {@link ApiError} when nobody answers where TOCSIN_URL leads: a token in the database here would be of no use there. */
async function isRunning(api: Api, { named }: CliConfig): Promise<boolean> {
  if (await api.answers()) return true;
  if (named) throw new ApiError(null, `no Tocsin answers at ${api.url}, where TOCSIN_URL leads`);
  return false;
}

async function createByApi(api: Api, { name, scopes, expiresDays }: CreateOptions): Promise<string> {
  const expiresAt = expiresDays === undefined ? {} : { expiresAt: new Date(expiry(expiresDays)).toISOString() };
  const { token } = await api.request<{ token: string }>("POST", "/v1/tokens", { name, scopes, ...expiresAt });
  return token;
}

/** In a database that is there: one that nobody has run on yet would be made for a token that nobody asks for. */
async function createInStore({ name, scopes, expiresDays }: CreateOptions): Promise<string> {
  const { config } = readConfig();
  const { store } = config;
  if (store.kind === "sqlite" && !existsSync(store.file)) {
    throw new Fault(
      "notFound",
      `no Tocsin runs here, and there is no database ${store.file}; start one (tocsin up), or set DATA_DIR or TOCSIN_URL`,
    );
  }
  const token = mintToken();
  const id = `tok_${randomUUID().replaceAll("-", "")}`;
  const expiresAt = expiresDays === undefined ? null : expiry(expiresDays);
  await withOwnStore(config, (store) => store.createToken({ id, name, hash: hashToken(token), scopes, expiresAt }));
  return token;
}

function expiry(days: number): number {
  return Date.now() + days * DAY_MS;
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
  $ TOCSIN_TOKEN=… TOCSIN_URL=https://tocsin.example.org tocsin token create --name ops --scopes admin`;
