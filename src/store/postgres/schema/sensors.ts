/** The registry, and what is believed of each sensor. */
import { sql } from "drizzle-orm";
import { bigint, index, integer, json, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import type { Labels } from "../../../domain/sensor";
import type { Availability, Severity } from "../../../domain/severity";
import type { Json } from "./json";

export const sensors = pgTable(
  "sensors",
  {
    id: text().primaryKey(),
    partition: integer().notNull(),
    name: text().notNull(),
    labels: json().$type<Labels>().notNull(),
    metadata: json().$type<Json>().notNull(),
    heartbeatIntervalSeconds: integer("heartbeat_interval_seconds"),
    heartbeatGraceSeconds: integer("heartbeat_grace_seconds"),
    version: integer().notNull(),
    life: integer().notNull(),
    registryVersion: bigint("registry_version", { mode: "number" }).notNull(),
    createdAt: bigint("created_at", { mode: "number" }).notNull(),
    updatedAt: bigint("updated_at", { mode: "number" }).notNull(),
    /** Set on a tombstone. */
    deletedAt: bigint("deleted_at", { mode: "number" }),
    /** What is recorded of it before this is to go: it was deleted with its history. Null once that is gone. */
    eraseBefore: bigint("erase_before", { mode: "number" }),
    /** Id and name in lower case, as JavaScript lowers them: what `q` is looked for in. */
    searchText: text("search_text").notNull(),
  },
  (table) => [
    // sensorsEditedAfter
    index("sensors_by_registry_version").on(table.partition, table.registryVersion),
    // hasHeartbeats
    index("sensors_with_heartbeat")
      .on(table.partition)
      .where(sql`heartbeat_interval_seconds is not null and deleted_at is null`),
    // countSensors takes these from all
    index("sensors_deleted")
      .on(table.id)
      .where(sql`deleted_at is not null`),
    // eraseHistory
    index("sensors_erasing")
      .on(table.id)
      .where(sql`erase_before is not null`),
  ],
);

/** The labels of living sensors, by which `label=site:north` is found. */
export const sensorLabels = pgTable(
  "sensor_labels",
  {
    labelKey: text("label_key").notNull(),
    labelValue: text("label_value").notNull(),
    sensorId: text("sensor_id").notNull(),
  },
  (table) => [primaryKey({ columns: [table.labelKey, table.labelValue, table.sensorId] })],
);

export const states = pgTable(
  "states",
  {
    sensorId: text("sensor_id").primaryKey(),
    partition: integer().notNull(),
    status: text(),
    severity: text().$type<Severity>(),
    availability: text().$type<Availability>().notNull(),
    since: bigint({ mode: "number" }),
    lastReportedAt: bigint("last_reported_at", { mode: "number" }),
    lastReceivedAt: bigint("last_received_at", { mode: "number" }),
    atMax: bigint("at_max", { mode: "number" }),
    revision: bigint({ mode: "number" }).notNull(),
    checkAt: bigint("check_at", { mode: "number" }),
    life: integer().notNull(),
  },
  (table) => [
    // sensorsDue
    index("states_by_check")
      .on(table.partition, table.checkAt)
      .where(sql`check_at is not null`),
    // listSensors, by each of its filters. What follows the id lets it pass by those that another filter keeps out, without their rows; the
    // last one is left narrow, so that a change of status need not touch it.
    index("states_by_status").on(table.status, table.sensorId, table.severity, table.availability),
    index("states_by_severity").on(table.severity, table.sensorId, table.status, table.availability),
    index("states_by_availability").on(table.availability, table.sensorId),
  ],
);

/** What operators set beside the built-in catalogue: the severity of a status whose report names none. */
export const statuses = pgTable("statuses", {
  status: text().primaryKey(),
  severity: text().$type<Severity>().notNull(),
  description: text().notNull(),
  version: integer().notNull(),
  createdAt: bigint("created_at", { mode: "number" }).notNull(),
  updatedAt: bigint("updated_at", { mode: "number" }).notNull(),
});
