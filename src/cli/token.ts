import { randomUUID } from "node:crypto";
import { type Command, InvalidArgumentError } from "commander";
import { readCliConfig, readConfig } from "../config";
import { hashToken, mintToken, SCOPES, type Scope } from "../domain/token";
import { type Api, openApi } from "./api";
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
  const api = openApi(readCliConfig());
  const token = (await api.answers()) ? await createByApi(api, options) : await createInStore(options);
  console.log(token);
}

async function createByApi(api: Api, { name, scopes, expiresDays }: CreateOptions): Promise<string> {
  const expiresAt = expiresDays === undefined ? {} : { expiresAt: new Date(expiry(expiresDays)).toISOString() };
  const { token } = await api.request<{ token: string }>("POST", "/v1/tokens", { name, scopes, ...expiresAt });
  return token;
}

async function createInStore({ name, scopes, expiresDays }: CreateOptions): Promise<string> {
  const token = mintToken();
  const id = `tok_${randomUUID().replaceAll("-", "")}`;
  const expiresAt = expiresDays === undefined ? null : expiry(expiresDays);
  await withOwnStore(readConfig().config, (store) => store.createToken({ id, name, hash: hashToken(token), scopes, expiresAt }));
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
