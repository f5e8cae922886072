import type { LeasedRole, PartitionStore } from "../store/store";
import type { Events } from "../telemetry/events";
import { acquireLease, type HeldLease } from "./lease";

/** What works on a partition while its lease is held. */
export interface Worker {
  /** Ends it in order; what is not finished after `graceMs` is given up. */
  stop(graceMs: number): Promise<void>;
}

export interface OwnerOptions {
  readonly store: Pick<PartitionStore, "acquireLease" | "renewLease" | "releaseLease">;
  readonly role: LeasedRole;
  readonly partition: number;
  readonly owner: string;
  /** Whoever held it before is known to be dead: the first try does not wait for the end of their lease. */
  readonly takeOver: boolean;
  readonly events: Events;
  /** Starts the work; called again with a new lease after one was lost. */
  readonly open: (held: HeldLease) => Promise<Worker>;
  /** The lease was given back: who waits for it need wait no longer. */
  readonly onReleased: () => void;
}

export interface PartitionOwner {
  /** The lease may be free: tries for it at once. */
  poke(): void;
  /** The worker has `graceMs`; then the lease is given back. */
  stop(graceMs: number): Promise<void>;
}

/** How often a lease that another node still has is tried for. */
const RETRY_MS = 250;

/** Wins a partition's lease, works under it, and begins again when it was lost. */
export function ownPartition(options: OwnerOptions): PartitionOwner {
  const { events, role } = options;
  const ending = Promise.withResolvers<"ending">();
  let over = false;
  let graceMs = 0;
  let takeOver = options.takeOver;
  let poked = Promise.withResolvers<void>();

  async function run(): Promise<void> {
    while (!over) {
      poked = Promise.withResolvers();
      const lost = Promise.withResolvers<"lost">();
      const held = await attempt("lease", () => acquireLease({ ...options, takeOver, onLost: () => lost.resolve("lost") }));
      const worker = held === null || over ? null : await attempt("open", () => options.open(held));
      if (held !== null && worker !== null) {
        takeOver = false;
        await Promise.race([ending.promise, lost.promise]);
        await attempt("stop", () => worker.stop(graceMs));
      }
      if (held !== null) await attempt("release", async () => (await held.release()) && options.onReleased());
      if (!over && worker === null) await Promise.race([ending.promise, poked.promise, Bun.sleep(RETRY_MS)]);
    }
  }

  async function attempt<Result>(what: string, act: () => Promise<Result>): Promise<Result | null> {
    try {
      return await act();
    } catch (error) {
      events.failed(`${role}.${what}`, error, options.partition);
      return null;
    }
  }

  const running = run();
  return {
    poke: () => poked.resolve(),
    stop(grace) {
      graceMs = grace;
      over = true;
      ending.resolve("ending");
      return running;
    },
  };
}
