/** The only reader of the environment: raw names first, then one frozen `Config`. A wrong environment lists every problem at once. */
import { resolve } from "node:path";
import { addressOf, dialHost, shownUrl } from "./addresses";
import { ConfigReader, type Environment } from "./configReader";
import { type EdgeConfig, type JwtConfig, readEdge, readJwt, readRedis } from "./edgeConfig";
import { type GuardConfig, readGuard } from "./guardConfig";
import { parseSealingKeys, type SealingKey } from "./vault/sealingKey";

export const ROLES = ["http", "ingest", "notify"] as const;
export type Role = (typeof ROLES)[number];
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface HttpConfig {
  readonly host: string;
  readonly port: number;
}

/** `embedded`: a supervised child of ours on loopback. `external`: somebody else's servers. */
export type NatsConfig =
  | {
      readonly kind: "embedded";
      readonly host: string;
      readonly port: number;
      readonly mqttPort: number;
      /** NATS_SERVER_BIN; null looks for one. */
      readonly binary: string | null;
      /** Where release archives are fetched from; a test serves one from loopback. */
      readonly releaseBase: string;
      readonly cacheDir: string;
    }
  | {
      readonly kind: "external";
      readonly urls: readonly string[];
      /** On how many of its servers each stream is kept. Null: on three if the servers are a cluster, else on one. */
      readonly replicas: number | null;
    };

export type StoreConfig =
  | { readonly kind: "sqlite"; readonly file: string }
  /** `url` with user and password, where the database asks for them. */
  | { readonly kind: "postgres"; readonly url: string };

export interface Config {
  readonly http: HttpConfig;
  readonly edge: EdgeConfig;
  /** Null without JSON Web Tokens. */
  readonly jwt: JwtConfig | null;
  /** REDIS_URL, with user and password where Redis asks for them; null keeps what is shared in this node's memory. */
  readonly redisUrl: string | null;
  readonly nats: NatsConfig;
  readonly store: StoreConfig;
  readonly dataDir: string;
  /** Null takes the number that the database holds, else `defaultPartitions`. */
  readonly partitions: number | null;
  readonly roles: readonly Role[];
  readonly registration: "open" | "closed";
  readonly sensorsMax: number;
  readonly guard: GuardConfig;
  readonly keep: {
    readonly reportsDays: number;
    readonly changesDays: number;
    readonly deliveriesDays: number;
    readonly deadLettersDays: number;
    readonly auditDays: number;
  };
  readonly logLevel: LogLevel;
  readonly shutdownMs: number;
}

/** Kept apart from `Config`, so that a configuration can be printed. */
export interface Secrets {
  readonly adminToken: string | null;
  /** SECRETS_KEY: the first seals webhooks' secrets, all of them open. Null where none is given. */
  readonly sealingKeys: readonly SealingKey[] | null;
}

export interface ConfigDefaults {
  /** Where LOG_LEVEL is not set. */
  readonly logLevel: LogLevel;
}

/** Throws {@link ConfigError} with every problem. */
export function readConfig(
  env: Environment = process.env,
  defaults: ConfigDefaults = { logLevel: "info" },
): { config: Config; secrets: Secrets } {
  const read = new ConfigReader(env);
  const dataDir = resolve(read.text("DATA_DIR", "./data"));
  const httpHost = read.text("HTTP_HOST", "127.0.0.1");
  const config: Config = {
    http: { host: httpHost, port: read.port("HTTP_PORT", 8080) },
    edge: readEdge(read),
    jwt: readJwt(read),
    redisUrl: readRedis(read),
    nats: readNats(read, env),
    store: readStore(read, dataDir),
    dataDir,
    partitions: read.has("PARTITIONS") ? read.integer("PARTITIONS", 1, { min: 1, max: 1024 }) : null,
    roles: read.list("ROLES", ROLES, [...ROLES]),
    registration: read.choice("REGISTRATION", ["open", "closed"] as const, "open"),
    sensorsMax: read.integer("SENSORS_MAX", 1_000_000, { min: 1, max: 100_000_000 }),
    guard: readGuard(read, { allowLoopback: isLoopback(httpHost) }),
    keep: {
      reportsDays: read.integer("REPORTS_KEEP_DAYS", 30, { min: 3, max: 3650 }),
      changesDays: read.integer("CHANGES_KEEP_DAYS", 90, { min: 4, max: 3650 }),
      deliveriesDays: read.integer("DELIVERIES_KEEP_DAYS", 30, { min: 4, max: 3650 }),
      deadLettersDays: read.integer("DEAD_LETTERS_KEEP_DAYS", 30, { min: 1, max: 3650 }),
      auditDays: read.integer("AUDIT_KEEP_DAYS", 365, { min: 1, max: 3650 }),
    },
    logLevel: read.choice("LOG_LEVEL", LOG_LEVELS, defaults.logLevel),
    shutdownMs: 5000,
  };
  const adminToken = read.secret("ADMIN_TOKEN", 16);
  const sealingKeys = readSealingKeys(read);
  read.finish();
  return { config: Object.freeze(config), secrets: { adminToken, sealingKeys } };
}

/** What the command line needs to know: where a running Tocsin is, and with which token it may speak to it. */
export interface CliConfig {
  /** Without a slash at the end. */
  readonly apiUrl: string;
  /** TOCSIN_URL says where: then that one is meant, and no other. */
  readonly named: boolean;
  /** TOCSIN_URL leads to another machine: the token of our data folder is not meant for it. */
  readonly remote: boolean;
  readonly natsUrls: readonly string[];
  readonly dataDir: string;
  /** TOCSIN_TOKEN, else ADMIN_TOKEN; null looks for the copy in the data folder. */
  readonly token: string | null;
  /** A launcher (npm, bin/tocsin.js) started us: when it is gone, so is who wanted us to run. */
  readonly launched: boolean;
  readonly colour: boolean;
}

/** Throws {@link ConfigError} with every problem. */
export function readCliConfig(env: Environment = process.env): CliConfig {
  const read = new ConfigReader(env);
  const apiUrl = read.has("TOCSIN_URL")
    ? read.httpUrl("TOCSIN_URL")
    : `http://${dialAddress(read.text("HTTP_HOST", "127.0.0.1"), read.port("HTTP_PORT", 8080))}`;
  const nats = readNats(read, env);
  const token = read.secret("TOCSIN_TOKEN", 16) ?? read.secret("ADMIN_TOKEN", 16);
  const config: CliConfig = {
    apiUrl,
    named: read.has("TOCSIN_URL"),
    remote: read.has("TOCSIN_URL") && URL.canParse(apiUrl) && !isLoopback(new URL(apiUrl).hostname.replace(/[[\]]/g, "")),
    natsUrls: nats.kind === "external" ? nats.urls : [`nats://${dialAddress(nats.host, nats.port)}`],
    dataDir: resolve(read.text("DATA_DIR", "./data")),
    token,
    launched: read.has("npm_lifecycle_event") || read.has("TOCSIN_LAUNCHED"),
    colour: !read.has("NO_COLOR"),
  };
  read.finish();
  return config;
}

/** Whether an error that nobody expected shows where it came from; asked when the environment itself may be wrong. */
export function logsStacks(env: Environment = process.env): boolean {
  return env["LOG_LEVEL"] === "debug";
}

/** The environment with some variables set by flags of the command line. */
export function environmentWith(flags: Environment): Environment {
  return { ...process.env, ...flags };
}

function dialAddress(host: string, port: number): string {
  return addressOf(dialHost(host), port);
}

function readNats(read: ConfigReader, env: Environment): NatsConfig {
  const given = read.secret("NATS_URL", 1);
  if (given !== null) {
    const urls = given.split(",").map((url) => url.trim());
    for (const url of urls)
      if (!/^(nats|tls):\/\/./.test(url)) read.problem("NATS_URL", `"${shownUrl(url)}" is not a nats:// or tls:// address`);
    return { kind: "external", urls, replicas: read.has("NATS_REPLICAS") ? read.integer("NATS_REPLICAS", 1, { min: 1, max: 5 }) : null };
  }
  const home = env["HOME"] ?? "/tmp";
  return {
    kind: "embedded",
    host: read.text("NATS_HOST", "127.0.0.1"),
    port: read.port("NATS_PORT", 4222),
    mqttPort: read.port("MQTT_PORT", 1883),
    binary: read.has("NATS_SERVER_BIN") ? read.text("NATS_SERVER_BIN", "") : null,
    releaseBase: read.text("NATS_RELEASE_BASE", "https://github.com/nats-io/nats-server/releases/download"),
    cacheDir: resolve(env["XDG_CACHE_HOME"] || `${home}/.cache`, "tocsin"),
  };
}

function readStore(read: ConfigReader, dataDir: string): StoreConfig {
  const url = read.secret("DATABASE_URL", 1);
  if (url === null) return { kind: "sqlite", file: resolve(dataDir, "tocsin.db") };
  if (/^postgres(ql)?:\/\/./.test(url) && URL.canParse(url)) return { kind: "postgres", url };
  const file = /^(?:sqlite|file):(?:\/\/)?(.+)$/.exec(url)?.[1];
  if (file === undefined) read.problem("DATABASE_URL", "is neither postgres://user:password@host/database nor sqlite:<file>");
  return { kind: "sqlite", file: resolve(file ?? "tocsin.db") };
}

function readSealingKeys(read: ConfigReader): readonly SealingKey[] | null {
  const text = read.secret("SECRETS_KEY", 1);
  return text === null ? null : parseSealingKeys(text, (message) => read.problem("SECRETS_KEY", message));
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
