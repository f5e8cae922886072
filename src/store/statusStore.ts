/** The catalogue of statuses, as operators edit it; the built-in one is the domain's (src/domain/statusCatalogue.ts). */
import type { Severity } from "../domain/severity";

export interface StatusDraft {
  readonly status: string;
  readonly severity: Severity;
  readonly description: string;
}

/** What operators set. */
export interface StatusRecord extends StatusDraft {
  /** The number of the catalogue's edit that made it what it is: it grows with each edit, and none is ever used again. */
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface StatusPut {
  readonly record: StatusRecord;
  readonly created: boolean;
  readonly unchanged: boolean;
}

/**
 * Every edit has one order with the commits of all partitions: in its transaction it moves the registry's version of each
 * (see `BatchPart.registryVersion`), so that what was decided without it is refused.
 */
export interface StatusStore {
  /** By the bytes of the status, ascending; at most STATUSES_MAX. */
  listStatuses(): Promise<StatusRecord[]>;
  getStatus(status: string): Promise<StatusRecord | null>;
  /**
   * `expectedVersion`: of what operators set, or BUILT_IN_VERSION of a built-in status that nobody edited. Throws preconditionFailed when
   * it is another one or there is none, conflict beyond STATUSES_MAX. `created` says that there was none, not even a built-in one;
   * `unchanged`, that operators had set just that already: nothing was edited.
   */
  putStatus(draft: StatusDraft, expectedVersion: number | null): Promise<StatusPut>;
  /** A built-in status is as built in again. Throws notFound, conflict for a built-in status that nobody edited, preconditionFailed. */
  deleteStatus(status: string, expectedVersion: number | null): Promise<void>;
}

/** What operators set, as the owner of a partition needs it. */
export interface EditedSeverities {
  /** Counts the catalogue's edits, from BUILT_IN_VERSION. */
  readonly version: number;
  readonly severities: readonly (readonly [status: string, severity: Severity])[];
}
