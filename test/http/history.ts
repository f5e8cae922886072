import { changeId, type Change } from "../../src/domain/change";
import { pendingState, type State } from "../../src/domain/state";
import type { BatchPart, PartitionPosition, Store } from "../../src/store/store";

const SENSOR = { name: "Boiler 7", labels: { site: "north" } };
const TTL_MS = 60_000;
export const STREAM = "REPORTS_1_0";
export const FIRST_AT = Date.parse("2026-11-23T10:00:00.000Z");

/** What `fillHistory` leaves: reports a second apart, every one of them a change, and dead letters. */
export interface History {
  readonly reports: number;
  readonly deadLetters: readonly { readonly subject: string; readonly text: string }[];
  readonly incidents?: number;
}

/** Writes a sensor's history as its partition's owner would, in one batch. The sensor must be registered. */
export async function fillHistory(store: Store, sensorId: string, { reports, deadLetters, incidents = 0 }: History): Promise<void> {
  const acquired = await store.acquireLease({ role: "ingest", partition: 0, owner: "test", ttlMs: TTL_MS, takeOver: true });
  if (acquired === null) throw new Error("somebody holds the lease");
  const { lease, position } = acquired;
  const { registryVersion } = await store.sensorsEditedAfter(0, 0);
  const count = reports + deadLetters.length;
  const to: PartitionPosition = {
    ...position,
    generation: position.generation,
    cursor: position.cursor + count,
    cursorTimeNs: String((FIRST_AT + count) * 1e6),
    receivedAt: FIRST_AT + count * 1000,
    changeNumber: position.changeNumber + reports,
  };
  const changes = Array.from({ length: reports }, (_, index) => changeOf(sensorId, position.changeNumber + index + 1, index));
  const part: BatchPart = {
    lease,
    leaseTtlMs: TTL_MS,
    registryVersion,
    from: position,
    to,
    stream: STREAM,
    registrations: [],
    reports: changes.map(({ number, to: { severity }, occurredAt }, index) => ({
      sequence: position.cursor + index + 1,
      sensorId,
      report: { status: statusOf(index), severity, value: index, message: null, at: occurredAt, id: `m-${index}`, attributes: null },
      receivedAt: FIRST_AT + index * 1000,
      disposition: "applied",
      changeNumber: number,
    })),
    states: reports === 0 ? [] : [{ sensorId, state: stateAfter(reports) }],
    changes,
    deadLetters: deadLetters.map(({ subject, text }, index) => ({
      sequence: position.cursor + reports + index + 1,
      subject,
      receivedAt: FIRST_AT + index,
      reason: "the payload starts with { but is not JSON",
      payload: new TextEncoder().encode(text),
    })),
    incidents: Array.from({ length: incidents }, (_, index) => ({ kind: "stream.recreated", partition: 0, detail: { index } })),
  };
  const [outcome] = await store.commitBatch([part]);
  if (outcome?.kind !== "committed") throw new Error(`not committed: ${outcome?.kind}`);
}

/** Owes a webhook every change so far. */
export async function planAll(store: Store, webhookId: string): Promise<void> {
  const acquired = await store.acquireLease({ role: "notify", partition: 0, owner: "test", ttlMs: TTL_MS, takeOver: true });
  if (acquired === null) throw new Error("somebody holds the lease");
  const from = acquired.position.changeNumber;
  const owed = await store.changesAfter(0, from, 1000);
  const { version } = await store.webhookSet();
  const outcome = await store.commitPlan({
    lease: acquired.lease,
    leaseTtlMs: TTL_MS,
    webhooksVersion: version,
    from,
    to: owed.at(-1)?.number ?? from,
    deliveries: owed.map(({ number, sensorId }, index) => ({
      webhookId,
      number,
      sensorId,
      revision: index + 1,
      state: "pending",
      begins: "lane",
      minIntervalMs: 0,
      reason: null,
    })),
  });
  if (outcome.kind !== "planned") throw new Error(`not planned: ${outcome.kind}`);
}

function statusOf(index: number): string {
  return index % 2 === 0 ? "overheated" : "ok";
}

function conditionAt(index: number) {
  if (index < 0) return { status: null, severity: null, availability: "pending" } as const;
  return { status: statusOf(index), severity: index % 2 === 0 ? "critical" : "ok", availability: "online" } as const;
}

function changeOf(sensorId: string, number: number, index: number): Change {
  const at = FIRST_AT + index * 1000;
  return {
    id: changeId(0, number),
    partition: 0,
    number,
    sensorId,
    sensor: SENSOR,
    revision: index + 1,
    kind: "status",
    from: conditionAt(index - 1),
    to: conditionAt(index),
    cause: "report",
    occurredAt: at,
    detectedAt: at,
    previousDurationMs: index === 0 ? null : 1000,
    report: { value: index, message: null, attributes: { index } },
  };
}

function stateAfter(reports: number): State {
  const last = FIRST_AT + (reports - 1) * 1000;
  return {
    ...pendingState(1),
    ...conditionAt(reports - 1),
    since: last,
    lastReportedAt: last,
    lastReceivedAt: last,
    atMax: last,
    revision: reports,
  };
}
