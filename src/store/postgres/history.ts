import { and, asc, desc, eq, gte, type SQL, sql } from "drizzle-orm";
import { decodeCursor } from "../cursor";
import { LargePage } from "../largePages";
import { REPORT_SIZE, reportOf } from "../reportRows";
import { pageOfFeed } from "../feedRows";
import type { HistoryStore, TimeRange } from "../store";
import { openChangeFeed } from "./changeFeed";
import type { Connection } from "./connection";
import { reports } from "./schema/log";
import { prepareChangesOfSensor } from "./sensorChanges";

const DAY_MS = 24 * 3600 * 1000;

export function openHistory(connection: Connection): HistoryStore {
  const { db } = connection;
  const feed = openChangeFeed(connection);
  const changesOfSensor = prepareChangesOfSensor(connection);

  return {
    async listReports(sensorId, { range, order }, { limit, cursor }) {
      const list = `reportsOf:${sensorId}`;
      using large = new LargePage<ReportFields>(limit, REPORT_SIZE);
      let reached = decodeCursor<Place>(cursor, list, ["number", "number", "number", "number"]);
      for (let wanted = large.wanted; wanted > 0; wanted = large.wanted) {
        await large.room();
        const rows = await db
          .select()
          .from(reports)
          .where(and(eq(reports.sensorId, sensorId), inSpan(range, order, reached), isKept(reports.recordedAt, sensorId)))
          .orderBy(...PLACE.map((column) => (order === "asc" ? asc(column) : desc(column))))
          .limit(wanted);
        large.take(rows, rows.length < wanted);
        const last = rows.at(-1);
        if (last !== undefined) reached = placeOf(last);
      }
      return large.page({ list, key: placeOf, item: reportOf });
    },

    listChanges: (query, page) =>
      query.sensorId === undefined ? pageOfFeed((wish, most) => feed.readChanges(wish, most), query, page) : changesOfSensor(query, page),
  };
}

type ReportFields = typeof reports.$inferSelect;

/** The order of a sensor's reports: received at, partition, generation, sequence. */
type Place = readonly [number, number, number, number];
const PLACE = [reports.receivedAt, reports.partition, reports.generation, reports.sequence] as const;

function placeOf({ receivedAt, partition, generation, sequence }: ReportFields): Place {
  return [receivedAt, partition, generation, sequence];
}

/** Before everything of a time. */
function beginningOf(time: number): Place {
  return [time, -1, 0, 0];
}

/** A range of time, and beyond what a cursor has reached. */
function inSpan({ since, until }: TimeRange, order: "asc" | "desc", reached: Place | null): SQL | undefined {
  let after = beginningOf(since ?? 0);
  let before = beginningOf(until ?? Number.MAX_SAFE_INTEGER);
  if (reached !== null && order === "asc" && reached[0] >= after[0]) after = reached;
  if (reached !== null && order === "desc" && reached[0] < before[0]) before = reached;
  const place = sql.join([...PLACE], sql`, `);
  const values = (each: Place) =>
    sql.join(
      each.map((value) => sql`${value}::bigint`),
      sql`, `,
    );
  // The days go by the database's clock, which may be behind the stream's: a day more is looked at.
  return and(sql`(${place}) > (${values(after)})`, sql`(${place}) < (${values(before)})`, gte(reports.recordedAt, after[0] - DAY_MS));
}

/** Not of before it was deleted with its history. */
function isKept(column: typeof reports.recordedAt, sensorId: string): SQL {
  return sql`${column} >= coalesce((select erase_before from sensors where id = ${sensorId}), 0)`;
}
