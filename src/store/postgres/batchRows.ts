/** The rows of a batch, kind by kind: each is written for itself within the one statement of a commit, and joins its fence. */
import { type Change, changeData } from "../../domain/change";
import type { Sensor } from "../../domain/sensor";
import type { State } from "../../domain/state";
import type { BatchPart, DeadLetterRow, IncidentDraft, ReportRow } from "../store";
import { type ArrayElement, arrayText, bytesArray, numberOrNull, quoted, quotedOrNull } from "./arrays";
import { deadLetterId } from "../deadLetterRows";
import { searchTextOf } from "../searchText";

/** One kind of rows, each of which says to which part it belongs; the fence answers with that part's partition and time. */
export interface RowKind {
  /** A letter, by which statements are told apart. */
  readonly letter: string;
  /** The types of the arrays that it takes, and the names that their columns get. */
  readonly types: readonly string[];
  readonly names: readonly string[];
  /** Common table expressions that write `rows`, a source of those columns, for what passed the `fence`. */
  readonly insertion: (rows: string) => string;
  /** An array for each column, or null when there are no such rows. */
  readonly arraysOf: (parts: readonly BatchPart[]) => (string | Buffer)[] | null;
}

type Column<Row> =
  | readonly [name: string, type: "int" | "bigint" | "float8" | "text", element: (row: Row, part: BatchPart) => ArrayElement]
  | readonly [name: string, type: "bytea", element: (row: Row, part: BatchPart) => Uint8Array];

function rowKind<Row>(kind: {
  letter: string;
  rowsOf: (part: BatchPart) => readonly Row[];
  columns: readonly Column<Row>[];
  insertion: (rows: string) => string;
}): RowKind {
  const { letter, columns, rowsOf, insertion } = kind;
  return {
    letter,
    types: ["int", ...columns.map(([, type]) => type)],
    names: ["part", ...columns.map(([name]) => name)],
    insertion,
    arraysOf(parts) {
      if (parts.every((part) => rowsOf(part).length === 0)) return null;
      const places = parts.flatMap((part, index) => rowsOf(part).map(() => index));
      const arrays = columns.map(([, type, element]) => {
        const elements = parts.flatMap((part) => rowsOf(part).map((row) => element(row, part)));
        return type === "bytea" ? bytesArray(elements as Uint8Array[]) : arrayText(elements as ArrayElement[]);
      });
      return [arrayText(places), ...arrays];
    },
  };
}

const registrations = rowKind<Sensor>({
  letter: "g",
  rowsOf: (part) => part.registrations,
  columns: [
    ["id", "text", ({ id }) => quoted(id)],
    ["name", "text", ({ name }) => quoted(name)],
    ["labels", "text", ({ labels }) => quoted(JSON.stringify(labels))],
    ["metadata", "text", ({ metadata }) => quoted(JSON.stringify(metadata))],
    ["heartbeat_interval_seconds", "int", ({ heartbeat }) => numberOrNull(heartbeat?.intervalSeconds ?? null)],
    ["heartbeat_grace_seconds", "int", ({ heartbeat }) => numberOrNull(heartbeat?.graceSeconds ?? null)],
    ["version", "int", ({ version }) => version],
    ["life", "int", ({ life }) => life],
    ["created_at", "bigint", ({ createdAt }) => createdAt],
    ["updated_at", "bigint", ({ updatedAt }) => updatedAt],
    ["search_text", "text", ({ id, name }) => quoted(searchTextOf(id, name))],
  ],
  // A tombstone has no labels left.
  insertion: (rows) => `
    registered as (
      insert into sensors as s (id, partition, name, labels, metadata, heartbeat_interval_seconds, heartbeat_grace_seconds, version,
        life, registry_version, created_at, updated_at, search_text)
      select r.id, f.partition, r.name, r.labels::json, r.metadata::json, r.heartbeat_interval_seconds, r.heartbeat_grace_seconds,
        r.version, r.life, f.registry_version, r.created_at, r.updated_at, r.search_text
      from ${rows} join fence f on f.part = r.part
      on conflict (id) do update set partition = excluded.partition, name = excluded.name, labels = excluded.labels,
        metadata = excluded.metadata, heartbeat_interval_seconds = excluded.heartbeat_interval_seconds,
        heartbeat_grace_seconds = excluded.heartbeat_grace_seconds, version = s.version + 1, life = excluded.life,
        registry_version = excluded.registry_version, created_at = excluded.created_at, updated_at = excluded.updated_at,
        search_text = excluded.search_text, deleted_at = null
      where s.deleted_at is not null
      returning s.id, s.labels),
    searched as (insert into search_waiting (sensor_id) select id from registered),
    labelled as (
      insert into sensor_labels (label_key, label_value, sensor_id)
      select l.key, l.value, g.id from registered g cross join lateral json_each_text(g.labels) l)`,
});

const reports = rowKind<ReportRow>({
  letter: "r",
  rowsOf: (part) => part.reports,
  columns: [
    ["sequence", "bigint", ({ sequence }) => sequence],
    ["sensor_id", "text", ({ sensorId }) => quoted(sensorId)],
    ["report_id", "text", ({ report }) => quotedOrNull(report.id)],
    ["status", "text", ({ report }) => quoted(report.status)],
    ["severity", "text", ({ report }) => quotedOrNull(report.severity)],
    ["value", "float8", ({ report }) => numberOrNull(report.value)],
    ["message", "text", ({ report }) => quotedOrNull(report.message)],
    ["attributes", "text", ({ report }) => quotedOrNull(report.attributes === null ? null : JSON.stringify(report.attributes))],
    ["at", "bigint", ({ report }) => numberOrNull(report.at)],
    ["received_at", "bigint", ({ receivedAt }) => receivedAt],
    ["disposition", "text", ({ disposition }) => quoted(disposition)],
    ["change_number", "bigint", ({ changeNumber }) => numberOrNull(changeNumber)],
  ],
  insertion: (rows) => `
    reported as (
      insert into reports (partition, generation, sequence, sensor_id, report_id, status, severity, value, message, attributes, at,
        received_at, recorded_at, disposition, change_number, stream)
      select f.partition, f.generation, r.sequence, r.sensor_id, r.report_id, r.status, r.severity, r.value, r.message,
        r.attributes::json, r.at, r.received_at, f.recorded_at, r.disposition, r.change_number, f.stream
      from ${rows} join fence f on f.part = r.part)`,
});

const states = rowKind<{ readonly sensorId: string; readonly state: State }>({
  letter: "s",
  rowsOf: (part) => part.states,
  columns: [
    ["sensor_id", "text", ({ sensorId }) => quoted(sensorId)],
    ["status", "text", ({ state }) => quotedOrNull(state.status)],
    ["severity", "text", ({ state }) => quotedOrNull(state.severity)],
    ["availability", "text", ({ state }) => quoted(state.availability)],
    ["since", "bigint", ({ state }) => numberOrNull(state.since)],
    ["last_reported_at", "bigint", ({ state }) => numberOrNull(state.lastReportedAt)],
    ["last_received_at", "bigint", ({ state }) => numberOrNull(state.lastReceivedAt)],
    ["at_max", "bigint", ({ state }) => numberOrNull(state.atMax)],
    ["revision", "bigint", ({ state }) => state.revision],
    ["check_at", "bigint", ({ state }) => numberOrNull(state.checkAt)],
    ["life", "int", ({ state }) => state.life],
  ],
  // A column that is given the value that it has touches no index: where only clocks move, the row stays on its page (HOT).
  insertion: (rows) => `
    believed as (
      insert into states (sensor_id, partition, status, severity, availability, since, last_reported_at, last_received_at, at_max,
        revision, check_at, life)
      select r.sensor_id, f.partition, r.status, r.severity, r.availability, r.since, r.last_reported_at, r.last_received_at, r.at_max,
        r.revision, r.check_at, r.life
      from ${rows} join fence f on f.part = r.part
      on conflict (sensor_id) do update set partition = excluded.partition, status = excluded.status, severity = excluded.severity,
        availability = excluded.availability, since = excluded.since, last_reported_at = excluded.last_reported_at,
        last_received_at = excluded.last_received_at, at_max = excluded.at_max, revision = excluded.revision,
        check_at = excluded.check_at, life = excluded.life)`,
});

const changes = rowKind<Change>({
  letter: "c",
  rowsOf: (part) => part.changes,
  columns: [
    ["number", "bigint", ({ number }) => number],
    ["sensor_id", "text", ({ sensorId }) => quoted(sensorId)],
    ["revision", "bigint", ({ revision }) => revision],
    ["kind", "text", ({ kind }) => quoted(kind)],
    ["occurred_at", "bigint", ({ occurredAt }) => occurredAt],
    ["data", "text", (change) => quoted(JSON.stringify(changeData(change)))],
  ],
  insertion: (rows) => `
    changed as (
      insert into changes (partition, number, sensor_id, revision, kind, occurred_at, recorded_at, data)
      select f.partition, r.number, r.sensor_id, r.revision, r.kind, r.occurred_at, f.recorded_at, r.data
      from ${rows} join fence f on f.part = r.part)`,
});

const deadLetters = rowKind<DeadLetterRow>({
  letter: "d",
  rowsOf: (part) => part.deadLetters,
  columns: [
    ["id", "text", ({ sequence, receivedAt }, { stream }) => quoted(deadLetterId(stream, sequence, receivedAt))],
    ["sequence", "bigint", ({ sequence }) => sequence],
    ["subject", "text", ({ subject }) => quoted(subject)],
    ["received_at", "bigint", ({ receivedAt }) => receivedAt],
    ["reason", "text", ({ reason }) => quoted(reason)],
    ["payload", "bytea", ({ payload }) => payload],
  ],
  insertion: (rows) => `
    lettered as (
      insert into dead_letters (id, stream, sequence, subject, received_at, recorded_at, reason, payload)
      select r.id, f.stream, r.sequence, r.subject, r.received_at, f.recorded_at, r.reason, r.payload
      from ${rows} join fence f on f.part = r.part
      on conflict (id) do nothing)`,
});

const incidents = rowKind<IncidentDraft>({
  letter: "i",
  rowsOf: (part) => part.incidents,
  columns: [
    ["id", "text", () => quoted(`inc_${Bun.randomUUIDv7()}`)],
    ["kind", "text", ({ kind }) => quoted(kind)],
    ["partition", "int", ({ partition }) => partition],
    ["detail", "text", ({ detail }) => quoted(JSON.stringify(detail))],
  ],
  insertion: (rows) => `
    noted as (
      insert into incidents (id, kind, partition, detail, recorded_at)
      select r.id, r.kind, r.partition, r.detail::json, f.recorded_at
      from ${rows} join fence f on f.part = r.part)`,
});

export const ROW_KINDS: readonly RowKind[] = [registrations, reports, states, changes, deadLetters, incidents];
