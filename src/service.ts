/** The whole service, wired in the order in which a report travels, closed in reverse. Only names and orders; each part lives in its folder. */
import { type DataFolder, openDataFolder } from "./dataFolder";
import type { Config, NatsConfig, Secrets } from "./config";
import { firstAdminToken } from "./firstToken";
import { openHttp } from "./http/server";
import { Ingest } from "./ingest/ingest";
import { openStrays } from "./ingest/strays";
import { type NatsLink, openNats } from "./jetstream/connection";
import { type EmbeddedNats, openEmbeddedNats } from "./jetstream/embedded/server";
import { openWatchdog } from "./jetstream/embedded/watchdog";
import { createMend, type Mend } from "./jetstream/mend";
import { partitionStream } from "./jetstream/partitionStream";
import type { ReportPublisher } from "./jetstream/ports";
import { createReportPublisher } from "./jetstream/publishReports";
import { createPulse, type Pulse } from "./jetstream/pulse";
import { openStrayReader } from "./jetstream/strays";
import { ensureTopology, probeMapping } from "./jetstream/topology";
import { watchChanges } from "./jetstream/wake";
import { type Notifier, openNotifier } from "./notifier/notifier";
import { createSender, type Sender } from "./notifier/webhook/sender";
import { LEASE_TTL_MS } from "./partition/lease";
import { ownPartition, type OwnerOptions } from "./partition/owner";
import { openRetention } from "./retention";
import { openStore } from "./store/open";
import type { Store } from "./store/store";
import { createEvents, type Events } from "./telemetry/events";
import { createHealth } from "./telemetry/health";
import { openLog } from "./telemetry/log";
import { openMetrics } from "./telemetry/metrics";

/** P where nobody chose one. */
const PARTITIONS_EMBEDDED = 1;
const PARTITIONS_CLUSTER = 16;
/** What running attempts get at the end; the rest is sent after the next start. */
const NOTIFY_GRACE_MS = 2000;
const HTTP_GRACE_MS = 1000;

export interface Service {
  readonly httpUrl: string | null;
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
  await using stack = new AsyncDisposableStack();
  const metrics = openMetrics();
  const events = createEvents(openLog(config.logLevel), metrics);
  const folder = stack.adopt(openDataFolder(config.dataDir), (opened) => opened.release());
  await folder.endOrphan();
  const opened = stack.adopt(await openStore(config.store), (store) => store.close());
  const store = overrides.store?.(opened) ?? opened;
  const fallback = config.nats.kind === "embedded" ? PARTITIONS_EMBEDDED : PARTITIONS_CLUSTER;
  const partitions = await store.fixPartitionCount(config.partitions, fallback);

  const broker = await openBroker(config.nats, { folder, partitions, say, events });
  if (broker.child !== null) stack.defer(() => broker.child?.stop(NATS_STOP_MS) ?? Promise.resolve());
  const onStatus = (connected: boolean, reason: string | null) => events.dependencyChanged("nats", connected, reason);
  const publishing = stack.adopt(await openNats({ urls: broker.urls, name: "tocsin-publish", onStatus }), (link) => link.close());
  const consuming = stack.adopt(await openNats({ urls: broker.urls, name: "tocsin-consume" }), (link) => link.close());
  const replicas = config.nats.kind === "external" ? config.nats.replicas : 1;
  const ensure = () => ensureTopology(publishing, partitions, replicas);
  await ensure();
  await probeMapping(publishing, partitions);
  const pulse = createPulse(publishing, partitions);
  // A broker that comes back may have lost a stream: what is missing is made again.
  publishing.onReconnect(() => void ensure().catch((error: unknown) => events.failed("topology", error)));
  const { child } = broker;
  if (child !== null) {
    const watchdog = openWatchdog({
      beat: () => pulse.live(),
      isConnected: () => publishing.isConnected(),
      restart: () => child.restart(),
      events,
    });
    stack.defer(() => watchdog.stop());
  }

  const sender = createSender(config.guard);
  const parts: Parts = { config, store, events, partitions, publishing, consuming, mend: createMend(ensure), sender };
  const token = await firstAdminToken({ store, folder, adminToken: secrets.adminToken });
  const retention = openRetention({ store, keep: config.keep, events });
  stack.defer(() => retention.stop());
  const notifiers: Notifiers = new Map();
  if (config.roles.includes("ingest")) openIngestRole(stack, parts, notifiers);
  if (config.roles.includes("notify")) openNotifyRole(stack, parts, notifiers);
  const http = config.roles.includes("http") ? await openHttpRole(stack, parts, { secrets, metrics, notifiers, pulse, overrides }) : null;

  const running = stack.move();
  return {
    httpUrl: http,
    natsUrl: broker.urls[0] as string,
    mqttUrl: broker.child?.mqttUrl ?? null,
    firstAdminToken: token,
    stop: () => running.disposeAsync(),
  };
}

const NATS_STOP_MS = 2000;

interface Parts {
  readonly config: Config;
  readonly store: Store;
  readonly events: Events;
  readonly partitions: number;
  readonly publishing: NatsLink;
  readonly consuming: NatsLink;
  readonly mend: Mend;
  readonly sender: Sender;
}

/** Those that run on this node, by partition. */
type Notifiers = Map<number, Notifier>;

async function openBroker(
  config: NatsConfig,
  means: { folder: DataFolder; partitions: number; say: (line: string) => void; events: Events },
): Promise<{ urls: readonly string[]; child: EmbeddedNats | null }> {
  if (config.kind === "external") return { urls: config.urls, child: null };
  const child = await openEmbeddedNats({ config, ...means });
  return { urls: [child.url], child };
}

/** One owner for each partition and, on whichever node owns the first, the reader of what was published in the wrong shape. */
function openIngestRole(stack: AsyncDisposableStack, parts: Parts, notifiers: Notifiers): void {
  const { config, store, events, partitions, publishing, consuming, mend } = parts;
  ownAll(stack, parts, {
    role: "ingest",
    open: async (held) => {
      const { partition } = held.lease;
      const { position, registryVersion } = held.acquired;
      const { registration, sensorsMax } = config;
      const ingest = new Ingest({
        store,
        held,
        leaseTtlMs: LEASE_TTL_MS,
        position,
        registryVersion,
        partitions,
        stream: partitionStream({ publishing, consuming, mend, partitions, partition }),
        registration,
        sensorsMax,
        onChanges: () => notifiers.get(partition)?.wake(),
        events,
      });
      if (partition !== 0) return ingest;
      const strays = openStrays({ store, openReader: (cursor) => mend(() => openStrayReader(consuming, cursor)), events });
      return { stop: async () => void (await Promise.all([ingest.stop(), strays.stop()])) };
    },
  });
}

function openNotifyRole(stack: AsyncDisposableStack, parts: Parts, notifiers: Notifiers): void {
  const { store, events, partitions, consuming, sender } = parts;
  ownAll(stack, parts, {
    role: "notify",
    open: async (held) => {
      const { partition } = held.lease;
      const notifier = await openNotifier({
        store,
        lease: held.lease,
        leaseTtlMs: LEASE_TTL_MS,
        isHeld: () => held.isHeld(),
        onLost: () => held.lost(),
        from: held.acquired.position.changeNumber,
        watch: (onWake) => watchChanges(consuming, { partitions, partition }, onWake),
        sender,
        events,
      });
      notifiers.set(partition, notifier);
      return {
        async stop(graceMs) {
          notifiers.delete(partition);
          await notifier.stop(graceMs);
        },
      };
    },
  });
}

/** Owns every partition in a role; at the end all of them are given up side by side. */
function ownAll(stack: AsyncDisposableStack, { store, events, partitions }: Parts, role: Pick<OwnerOptions, "role" | "open">): void {
  const owners = Array.from({ length: partitions }, (_, partition) =>
    // The data folder is locked, so whoever held the lease before is dead.
    ownPartition({ ...role, partition, store, events, owner: `${process.pid}`, takeOver: true }),
  );
  stack.defer(async () => void (await Promise.all(owners.map((owner) => owner.stop(NOTIFY_GRACE_MS)))));
}

async function openHttpRole(
  stack: AsyncDisposableStack,
  { config, store, events, partitions, publishing, sender }: Parts,
  means: Pick<ServiceOptions, "secrets" | "overrides"> & {
    metrics: ReturnType<typeof openMetrics>;
    notifiers: Notifiers;
    pulse: Pulse;
  },
): Promise<string> {
  const publisher = createReportPublisher(publishing, partitions);
  const health = createHealth({ checks: { nats: () => means.pulse.beat(), store: () => store.probe() }, events });
  const http = await openHttp({
    config: config.http,
    store,
    reports: means.overrides?.reports?.(publisher) ?? publisher,
    partitions,
    registration: config.registration,
    webhooks: sender,
    webhooksChanged: () => {
      for (const notifier of means.notifiers.values()) notifier.webhooksChanged();
    },
    adminToken: means.secrets.adminToken,
    health,
    events,
    metrics: means.metrics,
  });
  stack.defer(() => http.stop(HTTP_GRACE_MS));
  return http.url;
}
