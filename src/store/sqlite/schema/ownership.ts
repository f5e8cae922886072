/** Who works on what, how far they came, and the numbers that the whole database has one of. */
import { blob, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { LeasedRole } from "../../store";

/** Numbers that the whole database has one of: `partition_count`, `webhooks_version`, `statuses_version`, and `changes_pruned.<p>` for each partition. */
export const meta = sqliteTable("meta", {
  name: text().primaryKey(),
  value: integer().notNull(),
});

/** Random texts that all nodes of this database share, each made by whoever first asks for it. */
export const sharedSecrets = sqliteTable("shared_secrets", {
  name: text().primaryKey(),
  value: text().notNull(),
});

/** Empty but for the moment in which a probe writes. */
export const probes = sqliteTable("probes", {
  id: integer().primaryKey(),
  filler: blob().notNull(),
});

export const partitions = sqliteTable(
  "partitions",
  {
    role: text().$type<LeasedRole>().notNull(),
    partition: integer().notNull(),
    epoch: integer().notNull().default(0),
    owner: text(),
    leaseUntil: integer("lease_until").notNull().default(0),
    generation: integer().notNull().default(1),
    cursor: integer().notNull().default(0),
    cursorTimeNs: text("cursor_time_ns"),
    receivedAt: integer("received_at").notNull().default(0),
    darkEndedAt: integer("dark_ended_at").notNull().default(0),
    changeNumber: integer("change_number").notNull().default(0),
    published: integer().notNull().default(0),
    registryVersion: integer("registry_version").notNull().default(0),
    /** The registry's version that the last commit was decided on: what was edited since, the next owner has yet to hear of. */
    decidedVersion: integer("decided_version").notNull().default(0),
    /** The last commit's: `recordedAt` never goes back in a partition, so that old rows come first by number, too. */
    recordedAt: integer("recorded_at").notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.role, table.partition] })],
);

/** Processes that live, each until its time is over; they share the partitions out among themselves. */
export const nodes = sqliteTable("nodes", {
  id: text().primaryKey(),
  roles: text({ mode: "json" }).$type<readonly LeasedRole[]>().notNull(),
  aliveUntil: integer("alive_until").notNull(),
});
