/** What this node works at under a lease, role by role: the parts of one partition's work, wired together. */
import type { Config } from "./config";
import { type Commits, createCommits } from "./ingest/commits";
import { Ingest } from "./ingest/ingest";
import { createSensorMemory, type SensorMemory } from "./ingest/sensorCache";
import { SensorCount } from "./ingest/sensorCount";
import { openStrays, type StraysOptions } from "./ingest/strays";
import type { NatsLink } from "./jetstream/connection";
import type { Mend } from "./jetstream/keepTopology";
import { partitionStream } from "./jetstream/partitionStream";
import { openStrayReader } from "./jetstream/strays";
import { watchChanges } from "./jetstream/wake";
import { createBodyMemory } from "./notifier/bodies";
import { createEndpoints } from "./notifier/endpoints";
import { type Notifier, type NotifierOptions, openNotifier } from "./notifier/notifier";
import { shareWebhooks } from "./notifier/sharedWebhooks";
import { createTurns } from "./notifier/turns";
import type { Sender } from "./notifier/webhook/sender";
import { type HeldLease, LEASE_TTL_MS } from "./partition/lease";
import type { Worker } from "./partition/owner";
import type { SharingOptions } from "./partition/sharing";
import type { LeasedRole, Store } from "./store/store";
import type { Events } from "./telemetry/events";

/** Plans and outcomes that this node writes at once: fewer than a driver's connections for commits, which ingest has use for, too. */
const NOTIFY_COMMITS_MAX = 2;

export interface WorkerParts {
  readonly config: Pick<Config, "registration" | "sensorsMax">;
  readonly store: Store;
  readonly events: Events;
  /** P. */
  readonly partitions: number;
  readonly publishing: NatsLink;
  readonly consuming: NatsLink;
  readonly mend: Mend;
  readonly sender: Sender;
  /** Those that run on this node, by partition. */
  readonly notifiers: Map<number, Notifier>;
}

export interface Workers {
  /** By role, those of this node's. */
  readonly byRole: SharingOptions["workers"];
  /** Webhooks were edited, or deliveries made due. */
  webhooksChanged(): void;
  /** How many reports of its partitions this node has still to read, about. */
  backlog(): number;
}

export function createWorkers(roles: readonly LeasedRole[], parts: WorkerParts): Workers {
  const shared = {
    commits: createCommits(parts.store),
    sensorCount: new SensorCount(parts.store),
    sensorMemory: createSensorMemory(),
    ingests: new Map<number, Ingest>(),
  };
  const byRole: SharingOptions["workers"] = {};
  if (roles.includes("ingest")) byRole.ingest = async (held) => openIngest(held, parts, shared);
  const turns = createTurns(NOTIFY_COMMITS_MAX);
  const webhooks = shareWebhooks(parts.store);
  const endpoints = createEndpoints(parts.store);
  const bodies = createBodyMemory();
  if (roles.includes("notify")) byRole.notify = (held) => openNotify(held, parts, { turns, webhooks, endpoints, bodies });
  return {
    byRole,
    webhooksChanged() {
      for (const notifier of parts.notifiers.values()) notifier.webhooksChanged();
    },
    backlog: () => shared.ingests.values().reduce((sum, { backlog }) => sum + backlog, 0),
  };
}

/** What all partitions of a node have in common. */
interface Shared {
  readonly commits: Commits;
  readonly sensorCount: SensorCount;
  readonly sensorMemory: SensorMemory;
  readonly ingests: Map<number, Ingest>;
}

/** The reader of a partition and, beside that of the first, the one of what was published in the wrong shape. */
function openIngest(held: HeldLease, parts: WorkerParts, shared: Shared): Worker {
  const { config, store, events, partitions, publishing, consuming, mend, notifiers } = parts;
  const { partition } = held.lease;
  const ingest = new Ingest({
    ...shared,
    store,
    held,
    leaseTtlMs: LEASE_TTL_MS,
    position: held.acquired.position,
    registryVersion: held.acquired.registryVersion,
    partitions,
    stream: partitionStream({ publishing, consuming, mend, partitions, partition }),
    registration: config.registration,
    sensorsMax: config.sensorsMax,
    onChanges: () => notifiers.get(partition)?.wake(),
    events,
  });
  shared.ingests.set(partition, ingest);
  const openReader: StraysOptions["openReader"] = (cursor) => mend(() => openStrayReader(consuming, cursor));
  const strays = partition === 0 ? openStrays({ store, openReader, events }) : null;
  return {
    async stop() {
      shared.ingests.delete(partition);
      await Promise.all([ingest.stop(), strays?.stop()]);
    },
  };
}

async function openNotify(
  held: HeldLease,
  parts: WorkerParts,
  shared: Pick<NotifierOptions, "turns" | "webhooks" | "endpoints" | "bodies">,
): Promise<Worker> {
  const { store, events, partitions, consuming, sender, notifiers } = parts;
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
    ...shared,
    events,
  });
  notifiers.set(partition, notifier);
  return {
    async stop(graceMs) {
      notifiers.delete(partition);
      await notifier.stop(graceMs);
    },
  };
}
