import type { Change, ChangeData } from "../domain/change";
import { refusingClause } from "../domain/filter";
import type { WebhookVersion } from "../domain/webhook";
import type { LoggedChange, PlannedDelivery, WebhookSet } from "../store/store";

/** What each change of a partition is owed to, by its number. */
export interface Matcher {
  /** The version of the set that it was made from. */
  readonly webhooksVersion: number;
  /** Each webhook as it is now. */
  readonly newest: ReadonlyMap<string, WebhookVersion>;
  match(change: LoggedChange): PlannedDelivery[];
}

/** A webhook's version with the numbers that it applies to: after < number <= until. */
interface Applying extends Pick<WebhookVersion, "webhookId" | "filter" | "state" | "terms"> {
  readonly after: number;
  readonly until: number;
}

export function createMatcher({ version, versions }: WebhookSet, partition: number): Matcher {
  const newest = new Map<string, WebhookVersion>();
  const applying: Applying[] = [];
  for (const [webhookId, ofWebhook] of Map.groupBy(versions, (one) => one.webhookId)) {
    const inOrder = ofWebhook.toSorted((a, b) => a.version - b.version);
    newest.set(webhookId, inOrder.at(-1) as WebhookVersion);
    inOrder.forEach(({ filter, state, deleted, terms, after }, index) => {
      const next = inOrder[index + 1];
      const span = { after: after[partition] ?? 0, until: next === undefined ? Infinity : (next.after[partition] ?? 0) };
      if (!deleted && terms.changes && span.after < span.until) applying.push({ webhookId, filter, state, terms, ...span });
    });
  }
  return { webhooksVersion: version, newest, match: (change) => (applying.length === 0 ? [] : matchAll(applying, change)) };
}

function matchAll(applying: readonly Applying[], logged: LoggedChange): PlannedDelivery[] {
  const change = changeOf(logged);
  const { number, sensorId, revision } = change;
  const planned: PlannedDelivery[] = [];
  for (const { webhookId, after, until, filter, state, terms } of applying) {
    if (number <= after || number > until || refusingClause(filter, change) !== null) continue;
    const fate = state === "disabled" ? ({ state: "skipped", reason: "disabled" } as const) : ({ state: "pending", reason: null } as const);
    planned.push({ webhookId, number, sensorId, revision, ...fate, begins: terms.begins, minIntervalMs: terms.minIntervalMs });
  }
  return planned;
}

function changeOf({ data, partition, number, occurredAt }: LoggedChange): Change {
  const parsed = JSON.parse(data) as ChangeData;
  return { ...parsed, id: parsed.changeId, partition, number, occurredAt, detectedAt: Date.parse(parsed.detectedAt) };
}
