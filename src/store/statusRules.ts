import { Fault } from "../domain/fault";
import { STATUS_CATALOGUE } from "../domain/severity";
import { BUILT_IN_VERSION, STATUSES_MAX } from "../domain/statusCatalogue";
import type { StatusDraft, StatusRecord } from "./statusStore";

interface Edit {
  readonly status: string;
  /** The version of what operators set; null for what nobody edited. */
  readonly edited: number | null;
  readonly expectedVersion: number | null;
}

/** Throws preconditionFailed when what is there is not what the edit was made on. */
export function demandStatusVersion({ status, edited, expectedVersion }: Edit): void {
  const version = edited ?? (STATUS_CATALOGUE.has(status) ? BUILT_IN_VERSION : null);
  if (expectedVersion === null || expectedVersion === version) return;
  const is = version === null ? "is not in the catalogue" : `is at version ${version}, not ${expectedVersion}`;
  throw new Fault("preconditionFailed", `Status ${status} ${is}.`);
}

/** Whether operators set just that already: then nothing is edited. */
export function changesNothing({ severity, description }: StatusDraft, before: StatusRecord): boolean {
  return before.severity === severity && before.description === description;
}

/** Throws notFound, conflict, preconditionFailed. */
export function demandStatusEdited({ status, edited, expectedVersion }: Edit): void {
  if (edited === null && !STATUS_CATALOGUE.has(status)) throw new Fault("notFound", `There is no status ${status} in the catalogue.`);
  demandStatusVersion({ status, edited, expectedVersion });
  if (edited !== null) return;
  throw new Fault("conflict", `Status ${status} is built in and was not edited: there is nothing to undo.`);
}

/** Throws conflict when there is no room for one more. */
export function demandStatusRoom(count: number): void {
  if (count < STATUSES_MAX) return;
  throw new Fault("conflict", `The catalogue already has ${STATUSES_MAX} statuses set by operators, the maximum.`);
}
