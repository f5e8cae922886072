/** A batch decided by hand, with the shortest code that makes what the service makes of it. */
import type { JsMsg } from "@nats-io/jetstream";
import type { StoreConfig } from "../../../src/config";
import { openHandPostgres } from "./postgres";
import { type Last, type Rows, severityOf } from "./rows";
import { openHandSqlite } from "./sqlite";

export interface ByHand {
  /** One transaction: reports, states, changes and the cursor. Gives the changes, to be published. */
  commit(messages: readonly JsMsg[]): Promise<readonly ChangeByHand[]>;
  close(): Promise<void>;
}

export interface ChangeByHand {
  readonly number: number;
  readonly sensorId: string;
  readonly body: string;
}

interface Body {
  readonly status: string;
  readonly value: number;
  readonly message: string;
  readonly at: string;
  readonly id: string;
}

interface Placed {
  readonly sensorId: string;
  readonly report: Body;
  readonly at: number;
  readonly effectiveAt: number;
  readonly receivedAt: number;
}

export async function openByHand(config: StoreConfig): Promise<ByHand> {
  const store = config.kind === "postgres" ? await openHandPostgres(config.url) : openHandSqlite(config.file);
  const sensors = new Map<string, Last>();
  let changeNumber = 0;

  /** The change that a report makes, or null; the sensor's `Last` is moved in place. */
  function change(rows: Rows, placed: Placed, last: Last | undefined): ChangeByHand | null {
    const { sensorId, report, at, effectiveAt, receivedAt } = placed;
    if (last?.status === report.status) {
      last.reportedAt = effectiveAt;
      last.receivedAt = receivedAt;
      last.at = at;
      return null;
    }
    changeNumber += 1;
    const next = { status: report.status, since: effectiveAt, revision: (last?.revision ?? 0) + 1 };
    const data = dataOf(placed, { number: changeNumber, revision: next.revision, last });
    sensors.set(sensorId, { ...next, reportedAt: effectiveAt, receivedAt, at, moved: true });
    const number = changeNumber;
    rows.addChange({ number, sensorId, revision: next.revision, occurredAt: effectiveAt, recordedAt: receivedAt, data });
    const head = `{"type":"sensor.status.changed","timestamp":"${new Date(effectiveAt).toISOString()}","data":`;
    return { number: changeNumber, sensorId, body: `${head}${data}}` };
  }

  function fill(rows: Rows, messages: readonly JsMsg[]): ChangeByHand[] {
    const changes: ChangeByHand[] = [];
    const touched = new Map<string, Last>();
    for (const message of messages) {
      const { subject, info } = message;
      const sensorId = subject.slice(subject.lastIndexOf(".") + 1);
      const report = message.json<Body>();
      const receivedAt = Math.floor(info.timestampNanos / 1_000_000);
      const at = Date.parse(report.at);
      const made = change(rows, { sensorId, report, at, effectiveAt: Math.min(at, receivedAt), receivedAt }, sensors.get(sensorId));
      if (made !== null) changes.push(made);
      touched.set(sensorId, sensors.get(sensorId) as Last);
      const { status, value, message: text, id } = report;
      const sequence = info.streamSequence;
      rows.addReport({ sequence, sensorId, id, status, value, message: text, at, receivedAt, changeNumber: made?.number ?? null });
    }
    for (const [sensorId, last] of touched) {
      rows.writeState(sensorId, last);
      last.moved = false;
    }
    const final = messages.at(-1) as JsMsg;
    rows.moveCursor(final.seq, final.timestampNanos.toString(), changeNumber);
    return changes;
  }

  return {
    async commit(messages) {
      let changes: ChangeByHand[] = [];
      const taken = store.commit((rows) => {
        changes = fill(rows, messages);
      });
      // SQLite is done by now, and nobody waits a turn for it.
      if (taken !== undefined) await taken;
      return changes;
    },
    async close() {
      await store.close();
    },
  };
}

/** As much text as the service writes for a change. */
function dataOf(placed: Placed, { number, revision, last }: { number: number; revision: number; last: Last | undefined }): string {
  const { sensorId, report, effectiveAt, receivedAt } = placed;
  const before = last === undefined ? null : last.status;
  return JSON.stringify({
    changeId: `chg_0_${number}`,
    sensorId,
    sensor: { name: sensorId, labels: {} },
    revision,
    kind: "status",
    from: { status: before, severity: before === null ? null : severityOf(before), availability: before === null ? "pending" : "online" },
    to: { status: report.status, severity: severityOf(report.status), availability: "online" },
    cause: "report",
    occurredAt: new Date(effectiveAt).toISOString(),
    detectedAt: new Date(receivedAt).toISOString(),
    previousDurationMs: last === undefined ? null : effectiveAt - last.since,
    report: { value: report.value, message: report.message, attributes: null },
  });
}
