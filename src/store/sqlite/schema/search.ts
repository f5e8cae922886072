/** What `q` is found by: groups of sensors that lie near each other, and the trigrams that occur in each. */
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** The trigrams of a group are in the full-text index `search_trigrams`, under its number; Drizzle has no words for it. */
export const searchGroups = sqliteTable(
  "search_groups",
  {
    number: integer().primaryKey(),
    /** The pass over all sensors in, or after, which it was made. */
    pass: integer().notNull(),
    firstId: text("first_id").notNull(),
    lastId: text("last_id").notNull(),
    /** The ids of its sensors in their order. */
    members: text({ mode: "json" }).$type<readonly string[]>().notNull(),
  },
  (table) => [
    // indexTexts: those of earlier passes
    index("search_groups_by_pass").on(table.pass),
  ],
);

/** Sensors whose present text is in no group yet. */
export const searchWaiting = sqliteTable("search_waiting", { sensorId: text("sensor_id").primaryKey() });

/** One row, 1: how far the groups have come. Where it is missing, they are made from the beginning. */
export const searchProgress = sqliteTable("search_progress", {
  id: integer().primaryKey(),
  pass: integer().notNull(),
  /** The id up to which the present pass has come; null when it is over. */
  reached: text(),
  /** Whether any pass is over: until then groups do not hold all sensors. */
  complete: integer({ mode: "boolean" }).notNull(),
  /** Groups that the present, or last, pass made. */
  passed: integer().notNull(),
  /** Groups that were made of waiting sensors since it began. */
  added: integer().notNull(),
  /** When the present, or last, pass began. */
  begunAt: integer("begun_at").notNull().default(0),
});
