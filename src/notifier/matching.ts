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

/** With the index over the versions' filters, which is the same for every partition. */
export interface IndexedWebhooks extends WebhookSet {
  readonly index: FilterIndex;
}

/** The numbers that a webhook's version applies to: after < number <= until. */
interface Span {
  readonly after: number;
  readonly until: number;
}

export async function indexWebhooks(set: WebhookSet): Promise<IndexedWebhooks> {
  return { ...set, index: await indexFilters(set.versions.map(({ filter }) => filter)) };
}

export function createMatcher({ version, versions, index }: IndexedWebhooks, partition: number): Matcher {
  const newest = new Map<string, WebhookVersion>();
  for (const one of versions) if (one.version >= (newest.get(one.webhookId)?.version ?? 0)) newest.set(one.webhookId, one);
  const spans = spansIn(partition, versions);
  return { webhooksVersion: version, newest, match: (change) => (spans.size === 0 ? [] : matchAll({ versions, index, spans }, change)) };
}

/** Of those versions that apply to any change of the partition at all. */
function spansIn(partition: number, versions: readonly WebhookVersion[]): Map<WebhookVersion, Span> {
  const spans = new Map<WebhookVersion, Span>();
  for (const ofWebhook of Map.groupBy(versions, (one) => one.webhookId).values()) {
    const inOrder = ofWebhook.toSorted((a, b) => a.version - b.version);
    inOrder.forEach((one, place) => {
      const next = inOrder[place + 1];
      const span = { after: one.after[partition] ?? 0, until: next === undefined ? Infinity : (next.after[partition] ?? 0) };
      if (!one.deleted && one.terms.changes && span.after < span.until) spans.set(one, span);
    });
  }
  return spans;
}

interface Matching extends Pick<IndexedWebhooks, "versions" | "index"> {
  readonly spans: ReadonlyMap<WebhookVersion, Span>;
}

/** In the order of the versions, so that the same change is planned the same way by everybody. */
function matchAll({ versions, index, spans }: Matching, { data, number }: LoggedChange): PlannedDelivery[] {
  const change = JSON.parse(data) as ChangeData;
  const planned: PlannedDelivery[] = [];
  for (const position of index(change)) {
    const version = versions[position] as WebhookVersion;
    const span = spans.get(version);
    if (span !== undefined && span.after < number && number <= span.until) planned.push(deliveryOf(version, change, number));
  }
  return planned;
}

function deliveryOf({ webhookId, state, terms }: WebhookVersion, { sensorId, revision }: ChangeData, number: number): PlannedDelivery {
  const { begins, minIntervalMs } = terms;
  const skipped = state === "disabled";
  const reason = skipped ? "disabled" : null;
  return { webhookId, number, sensorId, revision, state: skipped ? "skipped" : "pending", reason, begins, minIntervalMs };
}
