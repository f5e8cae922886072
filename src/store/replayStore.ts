/** The part of the store's port (store.ts) that jobs of replay are kept by. */
import type { Page, PageRequest, TimeRange } from "./store";

export const REPLAY_STATES = ["running", "done", "cancelled"] as const;

export interface ReplayDraft {
  readonly id: string;
  readonly webhookId: string;
  /** Of `plannedAt`. */
  readonly range: Required<TimeRange>;
  /** `undelivered`: what ended as failed or skipped; `all`: whatever its state, what is pending excepted. */
  readonly which: "undelivered" | "all";
  readonly ratePerSecond: number;
}

/** A job that makes a webhook's deliveries of a time due again, in the order of their planning. */
export interface Replay extends ReplayDraft {
  readonly state: (typeof REPLAY_STATES)[number];
  /** Why it ended before its end; null otherwise. */
  readonly reason: string | null;
  /** How many were made due so far. */
  readonly replayed: number;
  /** The `plannedAt` that it has come to. */
  readonly reachedAt: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface ReplayStore {
  /** Takes in what is planned by now. Throws notFound for an unknown webhook, conflict while another of that webhook runs or when it is disabled. */
  createReplay(draft: ReplayDraft): Promise<Replay>;
  getReplay(id: string): Promise<Replay | null>;
  /** Newest first. */
  listReplays(query: { readonly webhookId?: string }, page: PageRequest): Promise<Page<Replay>>;
  /** Throws notFound. One that has ended stays as it is. */
  cancelReplay(id: string): Promise<Replay>;
  runningReplays(): Promise<Replay[]>;
  /**
   * The next step of a job, at most `limit` deliveries, in one transaction with its progress: they are pending again, with days of their
   * own, behind whatever leads their lanes, none sooner than its lane has rested after a success. Ends the job at its end, or with a
   * reason when the webhook is gone or disabled. Two that advance it at once do each step once. Gives the job as it is then.
   */
  advanceReplay(id: string, limit: number): Promise<Replay | null>;
}
