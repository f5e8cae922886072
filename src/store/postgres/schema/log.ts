/** What was heard, and what it changed. */
import { sql } from "drizzle-orm";
import { bigint, doublePrecision, index, integer, json, pgTable, primaryKey, text, uniqueIndex } from "drizzle-orm/pg-core";
import type { ChangeKind } from "../../../domain/change";
import type { Disposition } from "../../../domain/decide";
import type { Severity } from "../../../domain/severity";
import { bytea } from "./bytea";
import type { Json } from "./json";

/**
 * Kept by days of `recorded_at`, a table for each (days.ts): what is old is dropped with its day. Sequences are counted anew by a stream that was recreated, so the
 * generation is part of a report's place.
 */
export const reports = pgTable(
  "reports",
  {
    partition: integer().notNull(),
    generation: integer().notNull(),
    sequence: bigint({ mode: "number" }).notNull(),
    sensorId: text("sensor_id").notNull(),
    reportId: text("report_id"),
    status: text().notNull(),
    severity: text().$type<Severity>(),
    value: doublePrecision(),
    message: text(),
    attributes: json().$type<Json>(),
    at: bigint({ mode: "number" }),
    receivedAt: bigint("received_at", { mode: "number" }).notNull(),
    recordedAt: bigint("recorded_at", { mode: "number" }).notNull(),
    disposition: text().$type<Disposition>().notNull(),
    changeNumber: bigint("change_number", { mode: "number" }),
    stream: text().notNull(),
  },
  (table) => [
    // A key of a table that is kept by days carries the time that the days go by.
    primaryKey({ columns: [table.partition, table.generation, table.sequence, table.recordedAt] }),
    // listReports
    index("reports_by_sensor").on(table.sensorId, table.receivedAt, table.partition, table.generation, table.sequence),
    // knownReports. Ids are often counted, by a device or for all of them: then what is new lies side by side.
    index("reports_by_report_id")
      .on(table.reportId, table.sensorId, table.receivedAt)
      .where(sql`report_id is not null and disposition <> 'duplicate'`),
  ],
);

export const changes = pgTable(
  "changes",
  {
    partition: integer().notNull(),
    number: bigint({ mode: "number" }).notNull(),
    sensorId: text("sensor_id").notNull(),
    revision: bigint({ mode: "number" }).notNull(),
    kind: text().$type<ChangeKind>().notNull(),
    occurredAt: bigint("occurred_at", { mode: "number" }).notNull(),
    recordedAt: bigint("recorded_at", { mode: "number" }).notNull(),
    /** The JSON text of `ChangeData`: the same bytes for ever. */
    data: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.partition, table.number] }),
    // listChanges of one sensor; and a revision is there once
    uniqueIndex("changes_by_sensor").on(table.sensorId, table.revision),
    // listChanges of everyone: where a time range begins and ends
    index("changes_by_time").on(table.partition, table.recordedAt, table.number),
  ],
);

export const deadLetters = pgTable(
  "dead_letters",
  {
    id: text().primaryKey(),
    stream: text().notNull(),
    sequence: bigint({ mode: "number" }).notNull(),
    subject: text().notNull(),
    receivedAt: bigint("received_at", { mode: "number" }).notNull(),
    recordedAt: bigint("recorded_at", { mode: "number" }).notNull(),
    reason: text().notNull(),
    payload: bytea().notNull(),
  },
  (table) => [
    // listDeadLetters, prune
    index("dead_letters_by_time").on(table.receivedAt, table.stream, table.sequence),
  ],
);

/** How far streams outside any partition's log were read. */
export const strayCursors = pgTable("stray_cursors", {
  stream: text().primaryKey(),
  sequence: bigint({ mode: "number" }).notNull(),
  timeNs: text("time_ns").notNull(),
});

export const incidents = pgTable("incidents", {
  /** Begins with the time, so that the newest is the last. */
  id: text().primaryKey(),
  kind: text().notNull(),
  partition: integer().notNull(),
  detail: json().$type<Json>().notNull(),
  recordedAt: bigint("recorded_at", { mode: "number" }).notNull(),
});
