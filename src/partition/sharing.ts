import type { LeasedRole, LiveNode, PartitionStore } from "../store/store";
import type { Events } from "../telemetry/events";
import type { HeldLease } from "./lease";
import { openMembership } from "./membership";
import { ownPartition, type PartitionOwner, type Worker } from "./owner";
import { shareOut } from "./share";

/** What nodes call out to each other, so that nobody has to wait for their next look. Hints: nothing depends on them. */
export interface NodeNews {
  /** A node came or goes. */
  nodesChanged(): void;
  leaseReleased(role: LeasedRole, partition: number): void;
}

export interface SharingOptions {
  readonly store: Pick<PartitionStore, "acquireLease" | "renewLease" | "releaseLease" | "beat" | "leave">;
  /** Unique among all processes, ever. */
  readonly nodeId: string;
  readonly partitions: number;
  /** What works on a partition in a role, for each role of this node. */
  readonly workers: Partial<Record<LeasedRole, (held: HeldLease) => Promise<Worker>>>;
  /** Whether this node can work in a role just now: one that is cut off from the broker leaves its partitions to others. */
  readonly isAble: (role: LeasedRole) => boolean;
  /** No other node can be alive. */
  readonly alone: boolean;
  /** What running work gets at the end. */
  readonly graceMs: number;
  readonly news: NodeNews;
  readonly events: Events;
}

export interface Sharing {
  /** Somebody came or went, or this node's own abilities changed. */
  nodesChanged(): void;
  /** Another node gave a lease back. */
  leaseReleased(role: LeasedRole, partition: number): void;
  /** Gives all partitions up side by side; asked again, it is the same end. */
  stop(): Promise<void>;
}

/** Works on this node's share of the partitions in each of its roles, and follows when nodes come and go. */
export function openSharing(options: SharingOptions): Sharing {
  const { store, nodeId, workers, isAble, alone, news, events } = options;
  const roles = (Object.keys(workers) as LeasedRole[]).sort();
  const shares = roles.map((role) => new RoleShare(role, options));
  const membership = openMembership({
    store,
    self: () => ({ id: nodeId, roles: roles.filter((role) => isAble(role)) }),
    alone,
    onNodes: (nodes) => {
      for (const share of shares) share.follow(nodes);
    },
    events,
  });
  news.nodesChanged();
  let stopping: Promise<void> | null = null;

  async function stop(): Promise<void> {
    // First of all others learn that they have to take over; then they are told of each lease as it is free.
    await membership.leave();
    news.nodesChanged();
    await Promise.all(shares.map((share) => share.stop()));
  }

  return {
    nodesChanged: () => membership.refresh(),
    leaseReleased(role, partition) {
      shares.find((share) => share.role === role)?.poke(partition);
    },
    stop: () => (stopping ??= stop()),
  };
}

/** This node's partitions in one role. */
class RoleShare {
  readonly #owners = new Map<number, PartitionOwner>();
  readonly #ending = new Map<number, Promise<void>>();
  #nodes: readonly LiveNode[] = [];
  #stopped = false;

  constructor(
    readonly role: LeasedRole,
    private readonly options: SharingOptions,
  ) {}

  /** Takes up what has become ours and gives up what has not stayed so. Where nobody can work, everybody keeps what they have. */
  follow(nodes: readonly LiveNode[]): void {
    this.#nodes = nodes;
    const { partitions, nodeId, graceMs } = this.options;
    const shares = shareOut(nodes, this.role, partitions);
    if (shares === null || this.#stopped) return;
    for (let partition = 0; partition < partitions; partition += 1) {
      const ours = shares.get(partition) === nodeId;
      if (ours && !this.#owners.has(partition) && !this.#ending.has(partition)) this.#owners.set(partition, this.#own(partition));
      else if (!ours && this.#owners.has(partition)) void this.#giveUp(partition, graceMs);
    }
  }

  poke(partition: number): void {
    this.#owners.get(partition)?.poke();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const partition of this.#owners.keys()) void this.#giveUp(partition, this.options.graceMs);
    await Promise.all(this.#ending.values());
  }

  #own(partition: number): PartitionOwner {
    const { store, nodeId, workers, alone, news, events } = this.options;
    const open = workers[this.role] as (held: HeldLease) => Promise<Worker>;
    const onReleased = () => news.leaseReleased(this.role, partition);
    return ownPartition({ role: this.role, partition, store, owner: nodeId, takeOver: alone, events, open, onReleased });
  }

  async #giveUp(partition: number, graceMs: number): Promise<void> {
    const owner = this.#owners.get(partition) as PartitionOwner;
    this.#owners.delete(partition);
    const ending = owner.stop(graceMs).finally(() => this.#ending.delete(partition));
    this.#ending.set(partition, ending);
    await ending;
    // It may have become ours again meanwhile.
    this.follow(this.#nodes);
  }
}
