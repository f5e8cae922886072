/** Who works on what, how far they came, and the numbers that the whole database has one of. */
import { bigint, integer, json, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import type { LeasedRole } from "../../store";
import { bytea } from "./bytea";

/** Numbers that the whole database has one of: `partition_count`, `webhooks_version`, `statuses_version`, and `changes_pruned.<p>` for each partition. */
export const meta = pgTable("meta", {
  name: text().primaryKey(),
  value: bigint({ mode: "number" }).notNull(),
});

/** Random texts that all nodes of this database share, each made by whoever first asks for it. */
export const sharedSecrets = pgTable("shared_secrets", {
  name: text().primaryKey(),
  value: text().notNull(),
});

/** Empty but for the moment in which a probe writes. */
export const probes = pgTable("probes", {
  id: integer().primaryKey(),
  filler: bytea().notNull(),
});

export const partitions = pgTable(
  "partitions",
  {
    role: text().$type<LeasedRole>().notNull(),
    partition: integer().notNull(),
    epoch: integer().notNull().default(0),
    owner: text(),
    leaseUntil: bigint("lease_until", { mode: "number" }).notNull().default(0),
    generation: integer().notNull().default(1),
    cursor: bigint({ mode: "number" }).notNull().default(0),
    cursorTimeNs: text("cursor_time_ns"),
    receivedAt: bigint("received_at", { mode: "number" }).notNull().default(0),
    darkEndedAt: bigint("dark_ended_at", { mode: "number" }).notNull().default(0),
    changeNumber: bigint("change_number", { mode: "number" }).notNull().default(0),
    published: bigint({ mode: "number" }).notNull().default(0),
    registryVersion: bigint("registry_version", { mode: "number" }).notNull().default(0),
    /** The registry's version that the last commit was decided on: what was edited since, the next owner has yet to hear of. */
    decidedVersion: bigint("decided_version", { mode: "number" }).notNull().default(0),
    /** The last commit's: `recordedAt` never goes back in a partition, so that old rows come first by number, too. */
    recordedAt: bigint("recorded_at", { mode: "number" }).notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.role, table.partition] })],
);

/** Processes that live, each until its time is over; they share the partitions out among themselves. */
export const nodes = pgTable("nodes", {
  id: text().primaryKey(),
  roles: json().$type<readonly LeasedRole[]>().notNull(),
  aliveUntil: bigint("alive_until", { mode: "number" }).notNull(),
});
