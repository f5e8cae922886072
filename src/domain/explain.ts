import { type FilteredChange, refusingClause } from "./filter";
import type { Filter, WebhookVersion } from "./webhook";

/**
 * Why a webhook is owed a change (`matched`), or is not: it was not there when the change was recorded, it does not ask for changes
 * (`events`), or a clause of its filter left the change out.
 */
export type Because = "matched" | "notThere" | "events" | `filter.${keyof Filter}`;

export interface Explanation {
  readonly because: Because;
  /** The version of the webhook that the change was held against; null when there was none. */
  readonly version: number | null;
}

/** Holds a change against the webhook as it stood at the change's number. `versions`: one webhook's, oldest first. */
export function explain(
  versions: readonly WebhookVersion[],
  { partition, number, ...change }: FilteredChange & { readonly partition: number; readonly number: number },
): Explanation {
  const applying = versions.findLast(({ after }) => (after[partition] ?? 0) < number);
  if (applying === undefined || applying.deleted) return { because: "notThere", version: null };
  const { version, terms, filter } = applying;
  if (!terms.changes) return { because: "events", version };
  const clause = refusingClause(filter, change);
  return { because: clause === null ? "matched" : `filter.${clause}`, version };
}
