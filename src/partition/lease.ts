import type { AcquiredLease, Lease, LeasedRole, PartitionStore } from "../store/store";
import type { Events } from "../telemetry/events";

/** How long a lease lasts without renewal: what a crash costs. */
export const LEASE_TTL_MS = 4000;
/** Renewed three times in its length, so that two renewals may fail. */
const RENEW_EVERY_MS = Math.floor(LEASE_TTL_MS / 3);
/** The node stops believing in its lease before the database does: clocks drift, and a send takes a moment. */
const SAFETY_MS = 500;

/** A lease that this node holds and keeps. */
export interface HeldLease {
  readonly lease: Lease;
  readonly acquired: AcquiredLease;
  /** Whether it still lasts by this node's own monotonic clock. */
  isHeld(): boolean;
  /** Says that a commit under the fence, begun at `startedAt` (monotonic), extended it. */
  extended(startedAt: number): void;
  /** Says that the database knows another owner. Calls `onLost` once. */
  lost(): void;
  /** Stops renewing, and gives the lease back unless it was lost. True when it is known to be free. */
  release(): Promise<boolean>;
}

export interface LeaseWish {
  readonly store: Pick<PartitionStore, "acquireLease" | "renewLease" | "releaseLease">;
  readonly role: LeasedRole;
  readonly partition: number;
  readonly owner: string;
  /** The owner before is known to be dead: do not wait for the end of its lease. */
  readonly takeOver: boolean;
  readonly events: Events;
  readonly onLost: () => void;
}

/** Gives null while another node's lease lasts. */
export async function acquireLease(wish: LeaseWish): Promise<HeldLease | null> {
  const { store, role, partition, owner, takeOver, events } = wish;
  const startedAt = performance.now();
  const acquired = await store.acquireLease({ role, partition, owner, ttlMs: LEASE_TTL_MS, takeOver });
  if (acquired === null) return null;
  events.leaseAcquired(role, partition, acquired.lease.epoch);
  return new RenewedLease(wish, acquired, startedAt);
}

class RenewedLease implements HeldLease {
  readonly lease: Lease;
  #heldUntil: number;
  #ended = false;
  readonly #timer: Timer;

  constructor(
    private readonly wish: LeaseWish,
    readonly acquired: AcquiredLease,
    startedAt: number,
  ) {
    this.lease = acquired.lease;
    this.#heldUntil = startedAt + LEASE_TTL_MS - SAFETY_MS;
    this.#timer = setInterval(() => void this.#renew(), RENEW_EVERY_MS);
  }

  isHeld(): boolean {
    return !this.#ended && performance.now() < this.#heldUntil;
  }

  extended(startedAt: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, startedAt + LEASE_TTL_MS - SAFETY_MS);
  }

  lost(): void {
    if (this.#ended) return;
    this.#end();
    this.wish.events.leaseLost(this.lease.role, this.lease.partition);
    this.wish.onLost();
  }

  async release(): Promise<boolean> {
    if (this.#ended) return false;
    this.#end();
    const { store, events } = this.wish;
    events.leaseReleased(this.lease.role, this.lease.partition);
    try {
      await store.releaseLease(this.lease);
      return true;
    } catch {
      // The database is away: the lease ends by itself.
      return false;
    }
  }

  async #renew(): Promise<void> {
    const startedAt = performance.now();
    try {
      if (await this.wish.store.renewLease(this.lease, LEASE_TTL_MS)) this.extended(startedAt);
      else this.lost();
    } catch {
      // The database is away: `isHeld` says no once the time is over, and a later renewal may find the lease still ours.
    }
  }

  #end(): void {
    this.#ended = true;
    clearInterval(this.#timer);
  }
}
