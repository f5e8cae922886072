/** What a batch costs SQLite and nothing else: the service's own tables, indexes and durability, with the shortest SQL that fills them. */
import type { JsMsg } from "@nats-io/jetstream";
import { type Connection, openConnection } from "../../src/store/sqlite/connection";
import { REPORTS } from "./stream";

export interface ByHand {
  /** One transaction: reports, states, changes and the cursor. Gives the changes, to be published. */
  commit(messages: readonly JsMsg[]): readonly ChangeByHand[];
  close(): void;
}

export interface ChangeByHand {
  readonly number: number;
  readonly sensorId: string;
  readonly body: string;
}

interface ReportByHand {
  readonly status: string;
  readonly value: number;
  readonly message: string;
  readonly at: string;
  readonly id: string;
}

/** All that must be remembered of a sensor. */
interface Last {
  status: string;
  since: number;
  revision: number;
  reportedAt: number;
  receivedAt: number;
  at: number;
  /** Whether its row must be written anew, or only its clocks. */
  moved: boolean;
}

interface Placed {
  readonly sensorId: string;
  readonly report: ReportByHand;
  readonly at: number;
  readonly effectiveAt: number;
  readonly receivedAt: number;
}

export function openByHand(file: string): ByHand {
  const connection = openConnection(file);
  const { client, write } = connection;
  client.prepare("insert into partitions (role, partition, epoch, owner) values ('ingest', 0, 1, 'bench')").run();
  const rows = prepareRows(connection);
  const sensors = new Map<string, Last>();
  let changeNumber = 0;

  /** The change that a report makes, or null; the sensor's `Last` is moved in place. */
  function change(placed: Placed, last: Last | undefined): ChangeByHand | null {
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
    rows.addChange.run([changeNumber, sensorId, next.revision, effectiveAt, receivedAt, data]);
    const head = `{"type":"sensor.status.changed","timestamp":"${new Date(effectiveAt).toISOString()}","data":`;
    return { number: changeNumber, sensorId, body: `${head}${data}}` };
  }

  function commit(messages: readonly JsMsg[]): ChangeByHand[] {
    const changes: ChangeByHand[] = [];
    const touched = new Map<string, Last>();
    for (const message of messages) {
      const { subject, info } = message;
      const sensorId = subject.slice(subject.lastIndexOf(".") + 1);
      const report = message.json<ReportByHand>();
      const receivedAt = Math.floor(info.timestampNanos / 1_000_000);
      const at = Date.parse(report.at);
      const made = change({ sensorId, report, at, effectiveAt: Math.min(at, receivedAt), receivedAt }, sensors.get(sensorId));
      if (made !== null) changes.push(made);
      touched.set(sensorId, sensors.get(sensorId) as Last);
      const { status, value, message: text, id } = report;
      const outcome = made === null ? ["unchanged", null] : ["applied", made.number];
      rows.addReport.run([info.streamSequence, sensorId, id, status, value, text, at, receivedAt, ...outcome, receivedAt]);
    }
    for (const [sensorId, last] of touched) rows.writeState(sensorId, last);
    const final = messages.at(-1) as JsMsg;
    rows.moveCursor.run(final.seq, final.timestampNanos.toString(), changeNumber);
    return changes;
  }

  return { commit: (messages) => write(() => commit(messages)), close: () => void client.close() };
}

function prepareRows({ client }: Connection) {
  const addReport = client.prepare<unknown[]>(
    `insert into reports (sequence, sensor_id, report_id, status, value, message, at, received_at, disposition, change_number,
       partition, generation, recorded_at, stream)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 1, ?, '${REPORTS}')`,
  );
  const addChange = client.prepare<unknown[]>(
    `insert into changes (partition, number, sensor_id, revision, kind, occurred_at, recorded_at, data) values (0, ?, ?, ?, 'status', ?, ?, ?)`,
  );
  const moveCursor = client.prepare<unknown[]>(
    "update partitions set cursor = ?, cursor_time_ns = ?, change_number = ? where role = 'ingest' and partition = 0",
  );
  const moveClocks = client.prepare<unknown[]>(
    "update states set last_reported_at = ?, last_received_at = ?, at_max = ? where sensor_id = ?",
  );
  const write = client.prepare<unknown[]>(
    `insert or replace into states (last_reported_at, last_received_at, at_max, sensor_id, revision, status, severity, since, partition,
       availability, life)
     values (?, ?, ?, ?, ?, ?, ?, ?, 0, 'online', 1)`,
  );
  return {
    addReport,
    addChange,
    moveCursor,
    writeState(sensorId: string, last: Last): void {
      const { reportedAt, receivedAt, at, revision, status, since } = last;
      if (last.moved) write.run([reportedAt, receivedAt, at, sensorId, revision, status, severityOf(status), since]);
      else moveClocks.run([reportedAt, receivedAt, at, sensorId]);
      last.moved = false;
    },
  };
}

function severityOf(status: string): string {
  return status === "ok" ? "ok" : "critical";
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
