import type { LeasedRole, PartitionStore } from "../store/store";
import type { Events } from "../telemetry/events";
import { acquireLease, type HeldLease, LEASE_TTL_MS } from "./lease";

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
  readonly takeOver: boolean;
  readonly events: Events;
  /** Starts the work; called again with a new lease after one was lost. */
  readonly open: (held: HeldLease) => Promise<Worker>;
}

export interface PartitionOwner {
  /** Resolves once the work has begun for the first time. */
  readonly started: Promise<void>;
  stop(graceMs: number): Promise<void>;
}

const RETRY_MS = Math.floor(LEASE_TTL_MS / 4);

/** Wins a partition's lease, works under it, and begins again when it was lost. */
export function ownPartition(options: OwnerOptions): PartitionOwner {
  const started = Promise.withResolvers<void>();
  const ending = Promise.withResolvers<"ending">();
  let graceMs = 0;
  let takeOver = options.takeOver;

  async function run(): Promise<void> {
    let over = false;
    void ending.promise.then(() => {
      over = true;
    });
    while (!over) {
      const lost = Promise.withResolvers<"lost">();
      const held = await attempt("lease", () => acquireLease({ ...options, takeOver, onLost: () => lost.resolve("lost") }));
      const worker = held === null ? null : await attempt("open", () => options.open(held));
      if (held === null || worker === null) {
        await held?.release();
        await Promise.race([ending.promise, Bun.sleep(RETRY_MS)]);
        continue;
      }
      takeOver = false;
      started.resolve();
      await Promise.race([ending.promise, lost.promise]);
      await worker.stop(graceMs);
      await held.release();
    }
  }

  async function attempt<Result>(what: string, act: () => Promise<Result>): Promise<Result | null> {
    try {
      return await act();
    } catch (error) {
      options.events.failed(`${options.role}.${what}`, error);
      return null;
    }
  }

  const running = run();
  return {
    started: started.promise,
    stop(grace) {
      graceMs = grace;
      ending.resolve("ending");
      return running;
    },
  };
}
