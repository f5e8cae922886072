import { type Severity, STATUS_CATALOGUE } from "../../src/domain/severity";
import type { CatalogueEdit, LogRow } from "./evidence";

/** An edit of which no answer came is in by then, or never will be. */
const ENDS_AFTER_MS = 15_000;
/** The database reads its clock a moment before a commit is in, and the clocks of who edits and of the database may differ a little. */
const COMMIT_MS = 1000;

/** The severities that a report's status may have had when it was decided: none that another edit had replaced by then. */
export function severitiesOf({ status, recordedAt }: LogRow, edits: readonly CatalogueEdit[]): ReadonlySet<Severity> {
  const builtIn = STATUS_CATALOGUE.get(status) ?? "unknown";
  const ours = edits.filter((edit) => edit.status === status);
  const first: CatalogueEdit = { status, severity: null, begunAt: -Infinity, answeredAt: -Infinity };
  const may = [first, ...ours].filter(({ begunAt, answeredAt }) => {
    const inAt = answeredAt ?? begunAt + ENDS_AFTER_MS;
    const isReplaced = ours.some((later) => later.answeredAt !== null && later.begunAt > inAt && later.answeredAt + COMMIT_MS < recordedAt);
    return begunAt < recordedAt + COMMIT_MS && !isReplaced;
  });
  return new Set(may.map(({ severity }) => severity ?? builtIn));
}
