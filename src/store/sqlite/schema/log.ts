/** What was heard, and what it changed. */
import { blob, index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { ChangeKind } from "../../../domain/change";
import type { Disposition } from "../../../domain/decide";
import type { Severity } from "../../../domain/severity";
import type { Json } from "./json";

/** Sequences are counted anew by a stream that was recreated, so the generation is part of a report's place. */
export const reports = sqliteTable(
  "reports",
  {
    partition: integer().notNull(),
    generation: integer().notNull(),
    sequence: integer().notNull(),
    sensorId: text("sensor_id").notNull(),
    reportId: text("report_id"),
    status: text().notNull(),
    severity: text().$type<Severity>(),
    value: real(),
    message: text(),
    attributes: text({ mode: "json" }).$type<Json>(),
    at: integer(),
    receivedAt: integer("received_at").notNull(),
    recordedAt: integer("recorded_at").notNull(),
    disposition: text().$type<Disposition>().notNull(),
    changeNumber: integer("change_number"),
    stream: text().notNull(),
  },
  // By sensor and by id they are found through places/, behind the commits: an index here would dirty a random page for each of them.
  (table) => [primaryKey({ columns: [table.partition, table.generation, table.sequence] })],
);

export const changes = sqliteTable(
  "changes",
  {
    partition: integer().notNull(),
    number: integer().notNull(),
    sensorId: text("sensor_id").notNull(),
    revision: integer().notNull(),
    kind: text().$type<ChangeKind>().notNull(),
    occurredAt: integer("occurred_at").notNull(),
    recordedAt: integer("recorded_at").notNull(),
    /** The JSON text of `ChangeData`: the same bytes for ever. */
    data: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.partition, table.number] }),
    // listChanges of one sensor; and a revision is there once
    uniqueIndex("changes_by_sensor").on(table.sensorId, table.revision),
    // listChanges of everyone: where a time range begins and ends
    index("changes_by_time").on(table.partition, table.recordedAt),
  ],
);

export const deadLetters = sqliteTable(
  "dead_letters",
  {
    id: text().primaryKey(),
    stream: text().notNull(),
    sequence: integer().notNull(),
    subject: text().notNull(),
    receivedAt: integer("received_at").notNull(),
    recordedAt: integer("recorded_at").notNull(),
    reason: text().notNull(),
    payload: blob({ mode: "buffer" }).notNull(),
  },
  (table) => [
    // listDeadLetters, prune
    index("dead_letters_by_time").on(table.receivedAt, table.stream, table.sequence),
  ],
);

/** How far streams outside any partition's log were read. */
export const strayCursors = sqliteTable("stray_cursors", {
  stream: text().primaryKey(),
  sequence: integer().notNull(),
  timeNs: text("time_ns").notNull(),
});

export const incidents = sqliteTable("incidents", {
  /** Begins with the time, so that the newest is the last. */
  id: text().primaryKey(),
  kind: text().notNull(),
  partition: integer().notNull(),
  detail: text({ mode: "json" }).$type<Json>().notNull(),
  recordedAt: integer("recorded_at").notNull(),
});
