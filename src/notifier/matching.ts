import type { ChangeData } from "../domain/change";
import type { WebhookVersion } from "../domain/webhook";
import type { LoggedChange, PlannedDelivery, WebhookSet } from "../store/store";
import { type FilterIndex, indexFilters } from "./filterIndex";

/** What each change of a partition is owed to, by its number. */
export interface Matcher {
  /** The version of the set that it was made from. */
  readonly webhooksVersion: number;
  /** Each webhook as it is now. */
  readonly newest: ReadonlyMap<string, WebhookVersion>;
  match(change: LoggedChange): PlannedDelivery[];
}

/** A webhook's version with the numbers that it applies to: after < number <= until. */
interface Applying extends Pick<WebhookVersion, "webhookId" | "filter" | "state"> {
  readonly after: number;
  readonly until: number;
}

export function createMatcher({ version, versions }: WebhookSet, partition: number): Matcher {
  const newest = new Map<string, WebhookVersion>();
  const applying: Applying[] = [];
  for (const [webhookId, ofWebhook] of Map.groupBy(versions, (one) => one.webhookId)) {
    const inOrder = ofWebhook.toSorted((a, b) => a.version - b.version);
    newest.set(webhookId, inOrder.at(-1) as WebhookVersion);
    inOrder.forEach(({ filter, state, deleted, after }, index) => {
      const next = inOrder[index + 1];
      const span = { after: after[partition] ?? 0, until: next === undefined ? Infinity : (next.after[partition] ?? 0) };
      if (!deleted && span.after < span.until) applying.push({ webhookId, filter, state, ...span });
    });
  }
  const index = indexFilters(applying.map(({ filter }) => filter));
  return { webhooksVersion: version, newest, match: (change) => (applying.length === 0 ? [] : matchAll(applying, index, change)) };
}

/** In the order of `applying`, so that the same change is planned the same way by everybody. */
function matchAll(applying: readonly Applying[], index: FilterIndex, { data, number }: LoggedChange): PlannedDelivery[] {
  const change = JSON.parse(data) as ChangeData;
  const planned: PlannedDelivery[] = [];
  for (const position of index(change)) {
    const version = applying[position] as Applying;
    if (version.after < number && number <= version.until) planned.push(deliveryOf(version, change, number));
  }
  return planned;
}

function deliveryOf({ webhookId, state }: Applying, { sensorId, revision }: ChangeData, number: number): PlannedDelivery {
  const skipped = state === "disabled";
  return { webhookId, number, sensorId, revision, state: skipped ? "skipped" : "pending", reason: skipped ? "disabled" : null };
}
