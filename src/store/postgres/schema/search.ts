/** What `q` is found by: groups of sensors that lie near each other, and the trigrams that occur in each. */
import { bigint, boolean, index, integer, pgTable, text } from "drizzle-orm/pg-core";

export const searchGroups = pgTable(
  "search_groups",
  {
    number: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    /** The pass over all sensors in, or after, which it was made. */
    pass: integer().notNull(),
    firstId: text("first_id").notNull(),
    lastId: text("last_id").notNull(),
    /** The ids of its sensors in their order. */
    members: text().array().notNull(),
    /** The trigrams of their texts, as numbers. */
    trigrams: integer().array().notNull(),
  },
  (table) => [
    // indexTexts: those of earlier passes
    index("search_groups_by_pass").on(table.pass),
    // listSensors, by text. Whoever adds groups has time; whoever searches must not read what others left to be sorted in.
    index("search_groups_by_trigram").using("gin", table.trigrams).with({ fastupdate: false }),
  ],
);

/** Sensors whose present text is in no group yet, each as often as it was written: whoever registers must not wait for whoever groups. */
export const searchWaiting = pgTable("search_waiting", { sensorId: text("sensor_id").notNull() }, (table) => [
  // listSensors, by text; indexTexts
  index("search_waiting_by_sensor").on(table.sensorId),
]);

/** One row, 1: how far the groups have come. Where it is missing, they are made from the beginning. */
export const searchProgress = pgTable("search_progress", {
  id: integer().primaryKey(),
  pass: integer().notNull(),
  /** The id up to which the present pass has come; null when it is over. */
  reached: text(),
  /** Whether any pass is over: until then groups do not hold all sensors. */
  complete: boolean().notNull(),
  /** Groups that the present, or last, pass made. */
  passed: integer().notNull(),
  /** Groups that were made of waiting sensors since it began. */
  added: integer().notNull(),
  /** When the present, or last, pass began. */
  begunAt: bigint("begun_at", { mode: "number" }).notNull().default(0),
});
