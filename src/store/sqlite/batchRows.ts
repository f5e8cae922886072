import { type Change, changeData } from "../../domain/change";
import type { Sensor } from "../../domain/sensor";
import type { State } from "../../domain/state";
import type { DeadLetterRow, IncidentDraft, ReportRow } from "../store";
import type { Connection } from "./connection";
import { prepareDeadLetterInsert } from "./deadLetters";
import { type Placement, prepareSensorWrites } from "./sensorWrites";

/** The rows of a batch, kind by kind. A statement prepared once and run per row: as fast as many rows in one, and no array of arrays. */
export interface BatchRows {
  register(sensors: readonly Sensor[], placement: Placement): void;
  addReports(reports: readonly ReportRow[], place: { partition: number; generation: number; stream: string; recordedAt: number }): void;
  writeStates(states: readonly { readonly sensorId: string; readonly state: State }[], partition: number): void;
  addChanges(changes: readonly Change[], recordedAt: number): void;
  addDeadLetters(letters: readonly DeadLetterRow[], place: { stream: string; recordedAt: number }): void;
  addIncidents(incidents: readonly IncidentDraft[], recordedAt: number): void;
}

export function prepareBatchRows(connection: Connection): BatchRows {
  const sensorWrites = prepareSensorWrites(connection);
  const insertDeadLetter = prepareDeadLetterInsert(connection);
  const insertIncident = connection.client.prepare<[string, string, number, string, number]>(
    "insert into incidents (id, kind, partition, detail, recorded_at) values (?, ?, ?, ?, ?)",
  );
  return {
    register(sensors, placement) {
      for (const sensor of sensors) sensorWrites.register(sensor, placement);
    },
    addReports: prepareReports(connection),
    writeStates: prepareStates(connection),
    addChanges: prepareChanges(connection),
    addDeadLetters(letters, place) {
      for (const letter of letters) insertDeadLetter(letter, place);
    },
    addIncidents(incidents, recordedAt) {
      for (const { kind, partition, detail } of incidents) {
        insertIncident.run(`inc_${Bun.randomUUIDv7()}`, kind, partition, JSON.stringify(detail), recordedAt);
      }
    },
  };
}

function prepareReports({ client }: Connection): BatchRows["addReports"] {
  const insert = client.prepare<unknown[]>(
    `insert into reports (sequence, sensor_id, report_id, status, severity, value, message, attributes, at, received_at, disposition,
       change_number, partition, generation, recorded_at, stream)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return (reports, { partition, generation, stream, recordedAt }) => {
    const values: unknown[] = Array.from({ length: 16 });
    values[12] = partition;
    values[13] = generation;
    values[14] = recordedAt;
    values[15] = stream;
    for (const { sequence, sensorId, report, receivedAt, disposition, changeNumber } of reports) {
      values[0] = sequence;
      values[1] = sensorId;
      values[2] = report.id;
      values[3] = report.status;
      values[4] = report.severity;
      values[5] = report.value;
      values[6] = report.message;
      values[7] = report.attributes === null ? null : JSON.stringify(report.attributes);
      values[8] = report.at;
      values[9] = receivedAt;
      values[10] = disposition;
      values[11] = changeNumber;
      insert.run(values);
    }
  };
}

function prepareStates({ client }: Connection): BatchRows["writeStates"] {
  // Most reports change nothing: then only clocks move, none of which is in an index.
  const moveClocks = client.prepare<unknown[]>(
    `update states set last_reported_at = ?, last_received_at = ?, at_max = ?
     where sensor_id = ? and life = ? and revision = ? and status is ? and severity is ? and availability = ? and since is ? and check_at is ?`,
  );
  const write = client.prepare<unknown[]>(
    `insert into states (last_reported_at, last_received_at, at_max, sensor_id, life, revision, status, severity, availability, since,
       check_at, partition)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (sensor_id) do update set last_reported_at = excluded.last_reported_at, last_received_at = excluded.last_received_at,
       at_max = excluded.at_max, life = excluded.life, revision = excluded.revision, status = excluded.status,
       severity = excluded.severity, availability = excluded.availability, since = excluded.since, check_at = excluded.check_at,
       partition = excluded.partition`,
  );
  return (states, partition) => {
    const values: unknown[] = Array.from({ length: 11 });
    for (const { sensorId, state } of states) {
      values[0] = state.lastReportedAt;
      values[1] = state.lastReceivedAt;
      values[2] = state.atMax;
      values[3] = sensorId;
      values[4] = state.life;
      values[5] = state.revision;
      values[6] = state.status;
      values[7] = state.severity;
      values[8] = state.availability;
      values[9] = state.since;
      values[10] = state.checkAt;
      if (moveClocks.run(values).changes === 0) write.run(values, partition);
    }
  };
}

function prepareChanges({ client }: Connection): BatchRows["addChanges"] {
  const insert = client.prepare<unknown[]>(
    `insert into changes (partition, number, sensor_id, revision, kind, occurred_at, recorded_at, data) values (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return (changes, recordedAt) => {
    for (const change of changes) {
      const { partition, number, sensorId, revision, kind, occurredAt } = change;
      insert.run(partition, number, sensorId, revision, kind, occurredAt, recordedAt, JSON.stringify(changeData(change)));
    }
  };
}
