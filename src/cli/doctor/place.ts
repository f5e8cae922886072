import { existsSync } from "node:fs";
import { shownUrl } from "../../addresses";
import type { CliConfig, Config, Secrets, StoreConfig } from "../../config";
import { type Fault, isFault } from "../../domain/fault";
import { defaultPartitions } from "../../partitionCount";
import type { PartitionStatus, Store } from "../../store/store";
import { examineWork } from "./database";
import { fail, type Finding, ok, unseen, warn } from "./findings";
import { examineSecrets } from "./secrets";

const READY_MS = 5000;
const NOT_LOOKED_AT = "leases, lag and incidents were not looked at: stop that Tocsin first, or ask its API (/v1/incidents, /metrics)";

export interface DatabaseSeen {
  readonly findings: readonly Finding[];
  readonly partitions: number;
  /** Null where the database could not be looked at. */
  readonly statuses: readonly PartitionStatus[] | null;
  /** Whether a Tocsin may be running. */
  readonly running: boolean;
}

interface Means {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly cli: Pick<CliConfig, "apiUrl">;
}

/** Looks at the database where the configuration puts it, and at the work on it; changes nothing there. */
export async function examineDatabase({ config, secrets, cli }: Means): Promise<DatabaseSeen> {
  const partitions = config.partitions ?? defaultPartitions(config);
  const blind = (findings: readonly Finding[], running: boolean): DatabaseSeen => ({ findings, partitions, statuses: null, running });
  const { store: place } = config;
  if (place.kind === "sqlite" && !existsSync(place.file)) {
    return blind(
      [warn("database", `${place.file} is not there yet`, "the first start makes it; if there was one, look at DATA_DIR")],
      false,
    );
  }
  try {
    return await withStore(config, (store) => lookInto(store, config, secrets));
  } catch (error) {
    if (!isFault(error)) throw error;
    if (place.kind === "sqlite" && error.kind === "conflict") {
      return blind([...(await askRunning(cli)), unseen("database", error.message, NOT_LOOKED_AT)], true);
    }
    return blind([fail("database", `${shown(place)}: ${error.message}`, adviceOn(error))], true);
  }
}

function adviceOn({ kind }: Fault): string {
  return kind === "unavailable" ? "start it, or set DATABASE_URL (DATA_DIR for SQLite) right" : "run tocsin migrate, or start a node";
}

function shown(place: StoreConfig): string {
  return place.kind === "sqlite" ? place.file : shownUrl(place.url);
}

async function withStore<Result>(config: Config, work: (store: Store) => Promise<Result>): Promise<Result> {
  const { withOwnStore } = await import("../ownStore");
  return withOwnStore(config, work, { asFound: true });
}

async function lookInto(store: Store, config: Config, secrets: Secrets): Promise<DatabaseSeen> {
  const { store: place, partitions: wanted } = config;
  await store.probe();
  const statuses = await store.listPartitions();
  const tables = await examineTables(store);
  const text = `${place.kind} at ${shown(place)}, ${tables.length === 0 ? "tables up to date" : "tables of a newer version"}`;
  const [tokens, sealed] = [await examineTokens(store, secrets), await examineSecrets(config, secrets, store)];
  if (statuses.length === 0) {
    const partitions = wanted ?? defaultPartitions(config);
    const empty = warn("database", `${text}; nobody has worked on it yet`, "start a node");
    // A node with a data folder makes the first token itself.
    return {
      findings:
        place.kind === "sqlite" || config.nats.kind === "embedded"
          ? [empty, ...tables, ...sealed]
          : [empty, ...tables, ...tokens, ...sealed],
      partitions,
      statuses,
      running: false,
    };
  }
  // Somebody has worked on it, so that P is fixed: this only reads it.
  const partitions = await store.fixPartitionCount(null, 0);
  const found =
    wanted === null || wanted === partitions
      ? ok("database", `${text}, ${partitions === 1 ? "1 partition" : `${partitions} partitions`}`)
      : fail(
          "database",
          `PARTITIONS is ${wanted}, the database has ${partitions}`,
          `set PARTITIONS to ${partitions}, or leave it out: it cannot be changed later`,
        );
  const work = place.kind === "sqlite" ? await examineQuiet(store, partitions, statuses) : await examineWork(store, partitions, statuses);
  return { findings: [found, ...tables, ...tokens, ...sealed, ...work], partitions, statuses, running: place.kind !== "sqlite" };
}

/** While nodes are replaced one after the other, those of the version before work on what the new one made of the tables. */
async function examineTables(store: Store): Promise<Finding[]> {
  const unknown = await store.unknownMigrations();
  if (unknown === 0) return [];
  return [
    warn(
      "tables",
      `newer than this program: ${unknown === 1 ? "1 migration is" : `${unknown} migrations are`} not known to it`,
      "run the version that made them; the way back to this one is a backup from before",
    ),
  ];
}

/** Without any token nobody can speak with the API. */
async function examineTokens(store: Store, { adminToken }: Secrets): Promise<Finding[]> {
  if (adminToken !== null) return [];
  const { items } = await store.listTokens({ limit: 1, cursor: null });
  if (items.length > 0) return [];
  return [
    warn(
      "admin token",
      "no admin token: ADMIN_TOKEN is not set, and the database has no token",
      "set ADMIN_TOKEN, or run tocsin token create",
    ),
  ];
}

/** The data folder is ours just now: nobody can be at work. */
async function examineQuiet(store: Store, partitions: number, statuses: readonly PartitionStatus[]): Promise<Finding[]> {
  const findings = await examineWork(store, partitions, statuses);
  return findings.filter(({ subject }) => !subject.endsWith("leases"));
}

/** The running Tocsin holds the data folder: it alone can say how it is. */
async function askRunning({ apiUrl }: Means["cli"]): Promise<Finding[]> {
  try {
    const response = await fetch(`${apiUrl}/readyz`, { signal: AbortSignal.timeout(READY_MS) });
    if (response.ok) return [ok("running Tocsin", `${apiUrl}/readyz says that it is ready`)];
    const { detail } = (await response.json()) as { detail?: string };
    return [fail("running Tocsin", `${apiUrl}/readyz: ${detail ?? response.status}`, "its log tells more")];
  } catch {
    return [
      fail("running Tocsin", `nothing answers at ${apiUrl}`, "set TOCSIN_URL (or HTTP_HOST and HTTP_PORT) to where it listens, or stop it"),
    ];
  }
}
