/** Plain rows for the tests, each with what the test cares about laid over them. */
import { type Change, changeId } from "../../../src/domain/change";
import type { Report } from "../../../src/domain/report";
import type { Sensor } from "../../../src/domain/sensor";
import { pendingState, type State } from "../../../src/domain/state";
import { SETTINGS_DEFAULT } from "../../../src/domain/webhook";
import type { DeadLetterRow, ReportRow, SensorDraft, Store, WebhookDraft } from "../../../src/store/store";

/** The stream's time of sequence 0; each message comes a millisecond after the one before. */
export const LOG_BEGINS = Date.parse("2026-11-23T10:00:00.000Z");
/** Later than anything that a test makes due. */
export const FAR = Date.parse("2100-01-01T00:00:00.000Z");
export const FIRST_PAGE = { limit: 1000, cursor: null } as const;

export function draftOf(id: string, edit: Partial<SensorDraft> = {}): SensorDraft {
  return { id, partition: 0, name: id, labels: {}, metadata: {}, heartbeat: null, ...edit };
}

/** A sensor as its owner registers it on the way. */
export function sensorOf(id: string, edit: Partial<Sensor> = {}): Sensor {
  const times = { createdAt: LOG_BEGINS, updatedAt: LOG_BEGINS };
  return { id, name: id, labels: {}, metadata: {}, heartbeat: null, version: 1, life: 1, ...times, ...edit };
}

export function onlineState(edit: Partial<State> = {}): State {
  const heard = { since: LOG_BEGINS, lastReportedAt: LOG_BEGINS, lastReceivedAt: LOG_BEGINS, revision: 1 };
  return { ...pendingState(1), status: "ok", severity: "ok", availability: "online", ...heard, ...edit };
}

export function reportOf(
  sequence: number,
  sensorId: string,
  { report, ...edit }: Partial<Omit<ReportRow, "report">> & { report?: Partial<Report> } = {},
): ReportRow {
  const said = { status: "ok", severity: null, value: null, message: null, at: null, id: null, attributes: null, ...report };
  const rest = { receivedAt: LOG_BEGINS + sequence, disposition: "unchanged", changeNumber: null } as const;
  return { sequence, sensorId, report: said, ...rest, ...edit };
}

export function changeOf(number: number, sensorId: string, edit: Partial<Change> = {}): Change {
  const partition = edit.partition ?? 0;
  return {
    id: changeId(partition, number),
    partition,
    number,
    sensorId,
    revision: number,
    kind: "status",
    from: { status: "ok", severity: "ok", availability: "online" },
    to: { status: "overheated", severity: "critical", availability: "online" },
    cause: "report",
    occurredAt: LOG_BEGINS + number,
    detectedAt: LOG_BEGINS + number,
    previousDurationMs: null,
    report: { value: 97.5, message: "hot", attributes: { fan: "off" } },
    sensor: { name: sensorId, labels: {} },
    ...edit,
  };
}

export function letterOf(sequence: number, edit: Partial<DeadLetterRow> = {}): DeadLetterRow {
  const payload = new TextEncoder().encode(`payload ${sequence}`);
  return { sequence, subject: "reports.1.0.a", receivedAt: LOG_BEGINS + sequence, reason: "not a report", payload, ...edit };
}

export function addWebhook(store: Store, id: string, edit: Partial<WebhookDraft> = {}) {
  const draft = { url: `https://receiver.example/${id}`, filter: {}, description: "", concurrency: 16, settings: SETTINGS_DEFAULT };
  return store.createWebhook({ ...draft, id, credentials: 'plain:["whsec_c2VjcmV0"]', ...edit });
}

/** Every item of a list, page by page; fails when a page is longer than was asked for, or the list does not end. */
export async function allPages<Item>(
  list: (page: { limit: number; cursor: string | null }) => Promise<{ items: readonly Item[]; nextCursor: string | null }>,
  limit: number,
  between: () => Promise<unknown> = async () => undefined,
): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor: string | null = null, pages = 0; ; pages += 1) {
    const page = await list({ limit, cursor });
    if (page.items.length > limit) throw new Error(`a page of ${limit} holds ${page.items.length}`);
    if (pages > 10_000) throw new Error("the list does not end");
    items.push(...page.items);
    if (page.nextCursor === null) return items;
    cursor = page.nextCursor;
    await between();
  }
}
