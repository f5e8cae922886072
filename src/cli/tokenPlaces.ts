/** Where tokens are made, listed and revoked: by the API of a running Tocsin, else straight in the database of this data folder. */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { type CliConfig, readCliConfig, readConfig } from "../config";
import { Fault } from "../domain/fault";
import type { Reach } from "../domain/reach";
import { hashToken, type Scope } from "../domain/token";
import { createOwnToken, type OwnActor, revokeOwnToken } from "../ownTokens";
import type { Store, TokenRecord } from "../store/store";
import { openTokenMint } from "../tokenMint";
import { type Api, ApiError, openApi } from "./api";
import { withOwnStore } from "./ownStore";

const PAGE = 1000;

export interface WantedToken {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly reach: Reach | null;
  /** Epoch milliseconds; null for ever. */
  readonly expiresAt: number | null;
}

/** As the API shows it. */
export interface ShownToken {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly sensorId: string | null;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
}

export interface TokenPlace {
  /** Gives the token itself. */
  create(wanted: WantedToken): Promise<string>;
  /** All of them, in the order of their ids. */
  list(): Promise<ShownToken[]>;
  revoke(id: string): Promise<void>;
}

/** Throws {@link ApiError} when nobody answers where TOCSIN_URL leads: a token in the database here would be of no use there. */
export async function openTokenPlace(cli: CliConfig = readCliConfig()): Promise<TokenPlace> {
  const api = openApi(cli);
  if (await api.answers()) return byApi(api);
  if (cli.named) throw new ApiError(null, `no Tocsin answers at ${api.url}, where TOCSIN_URL leads`);
  return inStore();
}

interface Listed {
  readonly items: readonly ShownToken[];
  readonly nextCursor: string | null;
}

function byApi(api: Api): TokenPlace {
  return {
    async create({ name, scopes, reach, expiresAt }) {
      const expiry = expiresAt === null ? {} : { expiresAt: new Date(expiresAt).toISOString() };
      return (await api.request<{ token: string }>("POST", "/v1/tokens", { name, scopes, ...reach, ...expiry })).token;
    },
    list: () => allPages((cursor) => api.request<Listed>("GET", `/v1/tokens?limit=${PAGE}${cursor === null ? "" : `&cursor=${cursor}`}`)),
    revoke: (id) => api.request("DELETE", `/v1/tokens/${encodeURIComponent(id)}`),
  };
}

function inStore(): TokenPlace {
  return {
    async create({ name, scopes, reach, expiresAt }) {
      const id = `tok_${randomUUID().replaceAll("-", "")}`;
      return onStore(async (store) => {
        const token = (await openTokenMint(store)).mint();
        await createOwnToken(store, { id, name, hash: hashToken(token), scopes, reach, expiresAt }, actor());
        return token;
      });
    },
    list: () =>
      onStore((store) =>
        allPages(async (cursor) => {
          const { items, nextCursor } = await store.listTokens({ limit: PAGE, cursor });
          return { items: items.map(shown), nextCursor };
        }),
      ),
    revoke: (id) => onStore((store) => revokeOwnToken(store, id, actor())),
  };
}

/** On a database that is there: one that nobody has run on yet would be made for tokens that nobody asks for. */
function onStore<Result>(work: (store: Store) => Promise<Result>): Promise<Result> {
  const { config } = readConfig();
  const { store } = config;
  if (store.kind === "sqlite" && !existsSync(store.file)) {
    throw new Fault(
      "notFound",
      `no Tocsin runs here, and there is no database ${store.file}; start one (tocsin up), or set DATA_DIR or TOCSIN_URL`,
    );
  }
  return withOwnStore(config, work);
}

async function allPages(page: (cursor: string | null) => Promise<Listed>): Promise<ShownToken[]> {
  const all: ShownToken[] = [];
  for (let cursor: string | null = null; ;) {
    const { items, nextCursor }: Listed = await page(cursor);
    all.push(...items);
    if (nextCursor === null) return all;
    cursor = nextCursor;
  }
}

function shown({ id, name, scopes, reach, expiresAt, lastUsedAt }: TokenRecord): ShownToken {
  return {
    id,
    name,
    scopes,
    sensorId: reach !== null && "sensorId" in reach ? reach.sensorId : null,
    labels: reach !== null && "labels" in reach ? reach.labels : null,
    expiresAt: timeOrNull(expiresAt),
    lastUsedAt: timeOrNull(lastUsedAt),
  };
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** Who sits at this machine, for the audit log. */
function actor(): OwnActor {
  return { kind: "cli", name: `${userName()}@${hostname()}` };
}

function userName(): string {
  try {
    const { username } = userInfo();
    if (username !== "unknown") return username;
  } catch {
    // A container may run under a number that has no name.
  }
  return `uid ${process.getuid?.() ?? "?"}`;
}
