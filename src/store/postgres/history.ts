import { and, asc, desc, eq, gt, gte, lt, type SQL, sql } from "drizzle-orm";
import type { ChangeData } from "../../domain/change";
import { decodeCursor, toPage } from "../cursor";
import { reportOf } from "../reportRows";
import type { ChangeQuery, HistoryStore, Page, PageRequest, TimeRange } from "../store";
import { prepareListOfAll } from "./changeList";
import type { Connection } from "./connection";
import { changes, reports } from "./schema/log";

const DAY_MS = 24 * 3600 * 1000;

export function openHistory(connection: Connection): HistoryStore {
  const { db } = connection;
  const listAllChanges = prepareListOfAll(connection);

  async function listChangesOf(sensorId: string, { range, order }: ChangeQuery, { limit, cursor }: PageRequest): Promise<Page<ChangeData>> {
    const list = `changesOf:${sensorId}`;
    const from = decodeCursor<[number]>(cursor, list, ["number"])?.[0];
    const { revision, occurredAt, data } = changes;
    const beyond = order === "asc" ? gt : lt;
    const rows = await db
      .select({ revision, data })
      .from(changes)
      .where(
        and(
          eq(changes.sensorId, sensorId),
          from === undefined ? undefined : beyond(revision, from),
          within(occurredAt, range),
          isKept(changes.recordedAt, sensorId),
        ),
      )
      .orderBy(order === "asc" ? asc(revision) : desc(revision))
      .limit(limit + 1);
    return toPage(rows, { limit, list, key: (row) => [row.revision], item: ({ data: text }) => JSON.parse(text) as ChangeData });
  }

  return {
    async listReports(sensorId, { range, order }, { limit, cursor }) {
      const list = `reportsOf:${sensorId}`;
      const reached = decodeCursor<Place>(cursor, list, ["number", "number", "number", "number"]);
      const rows = await db
        .select()
        .from(reports)
        .where(and(eq(reports.sensorId, sensorId), inSpan(range, order, reached), isKept(reports.recordedAt, sensorId)))
        .orderBy(...PLACE.map((column) => (order === "asc" ? asc(column) : desc(column))))
        .limit(limit + 1);
      const key = (row: ReportFields) => [row.receivedAt, row.partition, row.generation, row.sequence];
      return toPage(rows, { limit, list, key, item: reportOf });
    },

    listChanges: (query, page) => (query.sensorId === undefined ? listAllChanges(query, page) : listChangesOf(query.sensorId, query, page)),
  };
}

type ReportFields = typeof reports.$inferSelect;

/** The order of a sensor's reports: received at, partition, generation, sequence. */
type Place = readonly [number, number, number, number];
const PLACE = [reports.receivedAt, reports.partition, reports.generation, reports.sequence] as const;

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
function isKept(column: typeof changes.recordedAt | typeof reports.recordedAt, sensorId: string): SQL {
  return sql`${column} >= coalesce((select erase_before from sensors where id = ${sensorId}), 0)`;
}

function within(column: typeof changes.occurredAt, { since, until }: TimeRange): SQL | undefined {
  return and(since === undefined ? undefined : gte(column, since), until === undefined ? undefined : lt(column, until));
}
