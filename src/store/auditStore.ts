/** The part of the store's port (store.ts) that says who edited what. */
import type { Page, PageRequest, TimeRange } from "./pages";

/** `cli` and `start` edit without the API. */
export const ACTOR_KINDS = ["admin", "token", "jwt", "cli", "start"] as const;
export type ActorKind = (typeof ACTOR_KINDS)[number];

export interface AuditDraft {
  readonly actorKind: ActorKind;
  readonly actorId: string;
  readonly actorName: string;
  /** The operation's id, as the API's document names it. */
  readonly operation: string;
  /** What is edited; null where it has no id, or none yet. */
  readonly target: string | null;
  readonly requestId: string;
  readonly address: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface AuditRecord extends AuditDraft {
  /** Counts in the order of writing, perhaps with gaps. */
  readonly number: number;
  readonly at: number;
  /** What it was answered, in HTTP's terms; null when its end is not known. */
  readonly status: number | null;
}

/** All that is given must hold. */
export interface AuditQuery {
  readonly actorId?: string;
  readonly operation?: string;
  readonly target?: string;
  readonly range?: TimeRange;
}

export interface AuditStore {
  /** Before the edit is made; gives its number. */
  recordEdit(draft: AuditDraft): Promise<number>;
  /** `target` null leaves it as it is. */
  completeEdit(number: number, end: { readonly status: number; readonly target: string | null }): Promise<void>;
  /** Takes an entry out again whose edit turned out to change nothing. */
  withdrawEdit(number: number): Promise<void>;
  /** Newest first. Looks at {@link AUDIT_LOOKED_AT_MAX} at most, so a page may end before its limit. */
  listAudit(query: AuditQuery, page: PageRequest): Promise<Page<AuditRecord>>;
  /** Takes out at most `limit` that are older; gives how many. */
  pruneAudit(before: number, limit: number): Promise<number>;
}

export const AUDIT_LOOKED_AT_MAX = 2000;
