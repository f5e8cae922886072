/** The whole service, wired in the order in which a report travels; closed in reverse. */
import { hostname } from "node:os";
import { openBuckets } from "./buckets";
import type { SensorCache } from "./cache/ports";
import { type Caching, openCaching } from "./caching";
import type { Config, NatsConfig, Secrets } from "./config";
import { type DataFolder, openDataFolder } from "./dataFolder";
import { isFault } from "./domain/fault";
import { firstAdminToken } from "./firstToken";
import { openHttp } from "./http/server";
import { openWaitingRoom } from "./http/waitingRoom";
import { type NatsLink, openNats } from "./jetstream/connection";
import { type EmbeddedNats, openEmbeddedNats } from "./jetstream/embedded/server";
import { openWatchdog } from "./jetstream/embedded/watchdog";
import { keepTopology } from "./jetstream/keepTopology";
import { type News, type Newsroom, openNewsroom } from "./jetstream/news";
import type { ReportPublisher } from "./jetstream/ports";
import { createReportPublisher } from "./jetstream/publishReports";
import { createPulse, type Pulse } from "./jetstream/pulse";
import { watchAllChanges } from "./jetstream/wake";
import { Live } from "./live/live";
import { createSender } from "./notifier/webhook/sender";
import { defaultPartitions } from "./partitionCount";
import { openSharing, type Sharing } from "./partition/sharing";
import { openReportThread } from "./reportThread";
import { openStore } from "./store/open";
import type { LeasedRole, Store } from "./store/store";
import { createEvents, type Events } from "./telemetry/events";
import { createHealth } from "./telemetry/health";
import { openLog } from "./telemetry/log";
import { type Metrics, openMetrics } from "./telemetry/metrics";
import { openTokenMint, type TokenMint } from "./tokenMint";
import { openTraffic } from "./traffic";
import { openUpkeep } from "./upkeep";
import type { Vault } from "./vault";
import { refuseWithoutKey, unlockVault } from "./vault/unlock";
import { createWorkers, type WorkerParts, type Workers } from "./workers";

/** What running attempts get at the end; the rest is sent by whoever comes next. */
const NOTIFY_GRACE_MS = 2000;
const HTTP_GRACE_MS = 1000;
const NATS_STOP_MS = 2000;
/** How often a database that is away at the start is tried. */
const STORE_RETRY_MS = 1000;
/** A node that was cut off from the broker for so long leaves its partitions to those who are not. */
const CUT_OFF_MS = 3000;

export interface Service {
  readonly httpUrl: string;
  readonly natsUrl: string;
  readonly mqttUrl: string | null;
  /** Only at the very first start. */
  readonly firstAdminToken: string | null;
  /** Everything in order, ingest and notify handed over, nothing left running. */
  stop(): Promise<void>;
}

export interface ServiceOptions {
  readonly config: Config;
  readonly secrets: Secrets;
  /** Tells a person what start-up does. */
  readonly say: (line: string) => void;
  /** Lets a test put something between two parts. */
  readonly overrides?: {
    readonly reports?: (real: ReportPublisher) => ReportPublisher;
    readonly store?: (real: Store) => Store;
  };
}

/** Throws a `Fault` with one clear line when something that it needs cannot be had; whatever was opened by then is closed. */
export async function openService({ config, secrets, say, overrides = {} }: ServiceOptions): Promise<Service> {
  refuseWithoutKey(config, secrets);
  await using stack = new AsyncDisposableStack();
  const metrics = openMetrics();
  const nodeId = `${hostname()}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
  const events = createEvents(openLog(config.logLevel, nodeId), metrics);
  // What is somebody else's may be away for long: whoever looks at this node is told so.
  const waiting = isOnItsOwn(config) ? null : stack.use(openWaitingRoom(config.http));
  const folder = needsFolder(config) ? stack.adopt(openDataFolder(config.dataDir), (opened) => opened.release()) : null;
  await folder?.endOrphan();
  const opened = stack.adopt(await openStoreInTime(config, say), (store) => store.close());
  const stored = overrides.store?.(opened) ?? opened;
  const unknown = await stored.unknownMigrations();
  if (unknown > 0) events.tablesNewer(unknown);
  const partitions = await stored.fixPartitionCount(config.partitions, defaultPartitions(config));
  const failed = (error: unknown) => events.failed("vault.open", error);
  const vault = await unlockVault({ config, secrets, folder: folder?.path ?? null, rows: stored, say, failed });
  const caching = await openCaching(stack, { config, store: stored, partitions, events });
  const { store, cache } = caching;

  const broker = await openBroker(config.nats, { folder, partitions, say, events });
  if (broker.child !== null) stack.defer(() => broker.child?.stop(NATS_STOP_MS) ?? Promise.resolve());
  const links = await openLinks(stack, { config: config.nats, urls: broker.urls, partitions, say, events });
  const pulse = createPulse(links.publishing, partitions);
  if (broker.child !== null) watchOver(stack, { child: broker.child, pulse, link: links.publishing, events });

  const notifiers: WorkerParts["notifiers"] = new Map();
  const owned = () => notifiers.size;
  const traffic = await openTraffic(stack, { config, redis: caching.redis, store, node: nodeId, partitions, events, owned });
  const sender = stack.use(createSender(config.guard, { vault, traffic }));
  const mint = await openTokenMint(store);
  const token = folder === null ? null : await firstAdminToken({ store, mint, folder, adminToken: secrets.adminToken });
  openUpkeep(stack, { store, keep: config.keep, events });
  const parts: WorkerParts = { config, store, events, partitions, ...links, sender, notifiers };
  const { handOver, ...work } = openWork(stack, parts, { config, nodeId, cache });
  await waiting?.[Symbol.asyncDispose]();
  const means = { config, secrets, vault, mint, metrics, pulse, caching, urls: broker.urls, ...work, overrides };
  const http = await openApi(stack, parts, means);
  // Others take over while the last requests are answered here.
  stack.defer(() => void handOver());

  const running = stack.move();
  return {
    httpUrl: http,
    natsUrl: broker.urls[0] as string,
    mqttUrl: broker.child?.mqttUrl ?? null,
    firstAdminToken: token,
    stop: () => running.disposeAsync(),
  };
}

/** Nothing that it needs is somebody else's. */
function isOnItsOwn({ nats, store }: Config): boolean {
  return nats.kind === "embedded" && store.kind === "sqlite";
}

/** A node that keeps nothing itself needs no folder, so that many may run in one place. */
function needsFolder({ nats, store }: Config): boolean {
  return nats.kind === "embedded" || store.kind === "sqlite";
}

/** A database that somebody else runs may come up after us. */
async function openStoreInTime({ store }: Config, say: ServiceOptions["say"]): Promise<Store> {
  for (let told = false; ; told = true) {
    try {
      return await openStore(store);
    } catch (error) {
      if (store.kind === "sqlite" || !isFault(error, "unavailable")) throw error;
      if (!told) say(`waiting for the database: ${error.message}`);
      await Bun.sleep(STORE_RETRY_MS);
    }
  }
}

async function openBroker(
  config: NatsConfig,
  means: { folder: DataFolder | null; partitions: number; say: (line: string) => void; events: Events },
): Promise<{ urls: readonly string[]; child: EmbeddedNats | null }> {
  if (config.kind === "external") return { urls: config.urls, child: null };
  const child = await openEmbeddedNats({ config, ...means, folder: means.folder as DataFolder });
  return { urls: [child.url], child };
}

type Links = Pick<WorkerParts, "publishing" | "consuming" | "mend">;

/** What is published and what is consumed take a connection each; the streams are there afterwards, and the mapping leads into them. */
async function openLinks(
  stack: AsyncDisposableStack,
  means: Pick<ServiceOptions, "say"> & { config: NatsConfig; urls: readonly string[]; partitions: number; events: Events },
): Promise<Links> {
  const { config, urls, partitions, say, events } = means;
  const onStatus = (connected: boolean, reason: string | null) => events.dependencyChanged("nats", connected, reason);
  const publishing = stack.adopt(await openNats({ urls, name: "tocsin-publish", onStatus }), (link) => link.close());
  const consuming = stack.adopt(await openNats({ urls, name: "tocsin-consume" }), (link) => link.close());
  const patient = config.kind === "external";
  const failed = (error: unknown) => events.failed("topology", error);
  const replicas = config.kind === "external" ? config.replicas : 1;
  return { publishing, consuming, mend: await keepTopology(publishing, { partitions, replicas, patient, say, failed }) };
}

function watchOver(
  stack: AsyncDisposableStack,
  { child, pulse, link, events }: { child: EmbeddedNats; pulse: Pulse; link: NatsLink; events: Events },
): void {
  const beat = () => pulse.live();
  const watchdog = openWatchdog({ beat, isConnected: () => link.isConnected(), restart: () => child.restart(), events });
  stack.defer(() => watchdog.stop());
}

interface Work extends Pick<Workers, "webhooksChanged" | "backlog"> {
  /** Gives all partitions up; the end of the stack waits for it. */
  readonly handOver: () => Promise<void>;
}

/** This node's share of the partitions, in its roles, and how the notifiers of all nodes hear that webhooks were edited. */
function openWork(
  stack: AsyncDisposableStack,
  parts: WorkerParts,
  { config, nodeId, cache }: { config: Config; nodeId: string; cache: SensorCache },
): Work {
  const { store, partitions, publishing, consuming, events } = parts;
  const workers = createWorkers(
    config.roles.filter((role): role is LeasedRole => role !== "http"),
    parts,
  );
  const newsroom = openNewsroom(publishing, nodeId);
  const isConnected = isConnectedLately([publishing, consuming]);
  const sharing = openSharing({
    store,
    nodeId,
    partitions,
    workers: workers.byRole,
    // Notifying needs the database alone; a broker of our own is nobody else's.
    isAble: (role) => role === "notify" || config.nats.kind === "embedded" || isConnected(),
    alone: config.store.kind === "sqlite",
    graceMs: NOTIFY_GRACE_MS,
    news: {
      nodesChanged: () => newsroom.tell({ kind: "nodes" }),
      leaseReleased: (role, partition) => newsroom.tell({ kind: "released", role, partition }),
    },
    events,
  });
  for (const link of [publishing, consuming]) link.onReconnect(() => sharing.nodesChanged());
  newsroom.hear((news) => take(news, { sharing, workers, cache }));
  cache.share((sensorIds) => newsroom.tell({ kind: "edited", sensorIds }));
  stack.defer(async () => {
    await sharing.stop();
    await newsroom.stop();
  });
  return { ...webhookNews(workers, newsroom), backlog: () => workers.backlog(), handOver: () => sharing.stop() };
}

function take(news: News, { sharing, workers, cache }: { sharing: Sharing; workers: Workers; cache: SensorCache }): void {
  if (news.kind === "nodes") sharing.nodesChanged();
  else if (news.kind === "webhooks") workers.webhooksChanged();
  else if (news.kind === "edited") cache.heardOfEdits(news.sensorIds);
  else if (news.role === "ingest" || news.role === "notify") sharing.leaseReleased(news.role, news.partition);
}

function webhookNews(workers: Workers, newsroom: Newsroom): Pick<Work, "webhooksChanged"> {
  return {
    webhooksChanged() {
      workers.webhooksChanged();
      newsroom.tell({ kind: "webhooks" });
    },
  };
}

/** Asked again and again; a connection that only just went may come back at once. */
function isConnectedLately(links: readonly NatsLink[]): () => boolean {
  let connectedAt = performance.now();
  return () => {
    const now = performance.now();
    if (links.every((link) => link.isConnected())) connectedAt = now;
    return now - connectedAt < CUT_OFF_MS;
  };
}

async function openApi(
  stack: AsyncDisposableStack,
  { store, events, partitions, publishing, consuming, sender }: WorkerParts,
  means: Pick<ServiceOptions, "config" | "secrets" | "overrides"> & {
    vault: Vault;
    mint: TokenMint;
    metrics: Metrics;
    pulse: Pulse;
    caching: Caching;
    /** The broker's. */
    urls: readonly string[];
    webhooksChanged: () => void;
    backlog: () => number;
  },
): Promise<string> {
  const { config, secrets, vault, mint, metrics, pulse, caching, urls, webhooksChanged, backlog, overrides } = means;
  const { redis, cache } = caching;
  const publisher = createReportPublisher(publishing, partitions);
  const buckets = openBuckets(stack, redis, events);
  const openReports = openReportThread(stack, { urls, partitions, registration: config.registration, store, events });
  const http = await openHttp({
    config: config.http,
    edge: { ...config.edge, buckets },
    probesAlone: !config.roles.includes("http"),
    store,
    readSensor: cache.read,
    reports: overrides?.reports?.(publisher) ?? publisher,
    backlog,
    openReports: overrides?.reports === undefined ? openReports : undefined,
    partitions,
    registration: config.registration,
    webhooks: sender,
    live: new Live({ store, hints: { follow: (onHint) => watchAllChanges(consuming, partitions, onHint) }, events }),
    vault,
    mint,
    webhooksChanged,
    adminToken: secrets.adminToken,
    jwt: config.jwt,
    health: createHealth({
      checks: { nats: () => pulse.beat(), store: () => store.probe() },
      helpful: redis === null ? {} : { redis: () => redis.beat() },
      events,
    }),
    events,
    metrics,
  });
  stack.defer(() => http.stop(HTTP_GRACE_MS));
  return http.url;
}
