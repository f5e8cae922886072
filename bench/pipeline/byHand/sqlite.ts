/** What a batch costs SQLite and nothing else: the service's own tables, indexes and durability, with the shortest SQL that fills them. */
import { openConnection } from "../../../src/store/sqlite/connection";
import { REPORTS } from "../stream";
import { type HandStore, type Rows, severityOf } from "./rows";

export function openHandSqlite(file: string): HandStore {
  const { client, write } = openConnection(file);
  client.prepare("insert into partitions (role, partition, epoch, owner) values ('ingest', 0, 1, 'bench')").run();
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
  const writeState = client.prepare<unknown[]>(
    `insert or replace into states (last_reported_at, last_received_at, at_max, sensor_id, revision, status, severity, since, partition,
       availability, life)
     values (?, ?, ?, ?, ?, ?, ?, ?, 0, 'online', 1)`,
  );
  const rows: Rows = {
    addReport({ sequence, sensorId, id, status, value, message, at, receivedAt, changeNumber }) {
      const disposition = changeNumber === null ? "unchanged" : "applied";
      addReport.run([sequence, sensorId, id, status, value, message, at, receivedAt, disposition, changeNumber, receivedAt]);
    },
    addChange: ({ number, sensorId, revision, occurredAt, recordedAt, data }) =>
      void addChange.run([number, sensorId, revision, occurredAt, recordedAt, data]),
    writeState(sensorId, { reportedAt, receivedAt, at, revision, status, since, moved }) {
      if (moved) writeState.run([reportedAt, receivedAt, at, sensorId, revision, status, severityOf(status), since]);
      else moveClocks.run([reportedAt, receivedAt, at, sensorId]);
    },
    moveCursor: (sequence, timeNs, changeNumber) => void moveCursor.run(sequence, timeNs, changeNumber),
  };
  return { commit: (fill) => write(() => fill(rows)), close: () => void client.close() };
}
