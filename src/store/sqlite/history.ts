import { and, asc, desc, eq, gt, gte, lt, type SQL, sql } from "drizzle-orm";
import { type ChangeData, changeId } from "../../domain/change";
import type { ChangeQuery, HistoryStore, Page, PageRequest, ReportRecord, TimeRange } from "../store";
import type { Connection } from "./connection";
import { decodeCursor, toPage } from "./cursor";
import type { Direct } from "./faults";
import { changes, reports } from "./schema/log";

export function openHistory(connection: Connection): Direct<HistoryStore> {
  const { db } = connection;
  const listAllChanges = prepareListOfAll(connection);

  function listChangesOf(sensorId: string, { range, order }: ChangeQuery, { limit, cursor }: PageRequest): Page<ChangeData> {
    const list = `changesOf:${sensorId}`;
    const from = decodeCursor<[number]>(cursor, list, ["number"])?.[0];
    const { revision, occurredAt, data } = changes;
    const beyond = order === "asc" ? gt : lt;
    const rows = db
      .select({ revision, data })
      .from(changes)
      .where(and(eq(changes.sensorId, sensorId), from === undefined ? undefined : beyond(revision, from), within(occurredAt, range)))
      .orderBy(order === "asc" ? asc(revision) : desc(revision))
      .limit(limit + 1)
      .all();
    return toPage(rows, { limit, list, key: (row) => [row.revision], item: ({ data: text }) => JSON.parse(text) as ChangeData });
  }

  return {
    listReports(sensorId, { range, order }, { limit, cursor }) {
      const list = `reportsOf:${sensorId}`;
      const from = decodeCursor<[number, number, number, number]>(cursor, list, ["number", "number", "number", "number"]);
      const { receivedAt, partition, generation, sequence } = reports;
      const place = [receivedAt, partition, generation, sequence] as const;
      const sign = sql.raw(order === "asc" ? ">" : "<");
      const beyond =
        from === null
          ? undefined
          : sql`(${sql.join([...place], sql`, `)}) ${sign} (${sql.join(
              from.map((value) => sql`${value}`),
              sql`, `,
            )})`;
      const rows = db
        .select()
        .from(reports)
        .where(and(eq(reports.sensorId, sensorId), within(receivedAt, rangeLeft(range, order, from?.[0])), beyond))
        .orderBy(...place.map((column) => (order === "asc" ? asc(column) : desc(column))))
        .limit(limit + 1)
        .all();
      const key = (row: ReportFields) => [row.receivedAt, row.partition, row.generation, row.sequence];
      return toPage(rows, { limit, list, key, item: reportOf });
    },

    listChanges: (query, page) => (query.sensorId === undefined ? listAllChanges(query, page) : listChangesOf(query.sensorId, query, page)),
  };
}

type ReportFields = typeof reports.$inferSelect;

function reportOf(row: ReportFields): ReportRecord {
  const { sequence, sensorId, status, severity, value, message, at, reportId: id, attributes } = row;
  const report = { status, severity, value, message, at, id, attributes };
  const { stream, receivedAt, recordedAt, disposition } = row;
  const madeChange = row.changeNumber === null ? null : changeId(row.partition, row.changeNumber);
  return { stream, sequence, sensorId, report, receivedAt, recordedAt, disposition, changeId: madeChange };
}

/**
 * What a cursor leaves to be said by the range. An end that the cursor lies beyond is left out: SQLite would begin there, and look at
 * every row that earlier pages have shown.
 */
function rangeLeft({ since, until }: TimeRange, order: "asc" | "desc", reached: number | undefined): TimeRange {
  if (reached === undefined) return { since, until };
  if (order === "asc") return since !== undefined && reached >= since ? { until } : { since, until };
  return until !== undefined && reached < until ? { since } : { since, until };
}

function within(column: typeof changes.occurredAt | typeof reports.receivedAt, { since, until }: TimeRange): SQL | undefined {
  return and(since === undefined ? undefined : gte(column, since), until === undefined ? undefined : lt(column, until));
}

/** Changes of all sensors. `recordedAt` never goes back in a partition, so a time range is a range of numbers, found by its ends. */
function prepareListOfAll({ client, read }: Connection): (query: ChangeQuery, page: PageRequest) => Page<ChangeData> {
  const list = "changes";
  type Row = { readonly partition: number; readonly number: number; readonly data: string };
  const partitionsUp = client.prepare<[], number>("select partition from partitions where role = 'ingest' order by partition").pluck();
  const firstSince = client
    .prepare<[number, number], number>(
      "select number from changes where partition = ? and recorded_at >= ? order by recorded_at, number limit 1",
    )
    .pluck();
  const fields = "partition, number, data";
  const bounds = "partition = ? and number >= ? and number < ?";
  const up = client.prepare<number[], Row>(`select ${fields} from changes where ${bounds} order by number limit ?`);
  const down = client.prepare<number[], Row>(`select ${fields} from changes where ${bounds} order by number desc limit ?`);

  function boundOf(partition: number, time: number | undefined, open: number): number {
    return time === undefined ? open : (firstSince.get(partition, time) ?? Number.MAX_SAFE_INTEGER);
  }

  return ({ range, order }, { limit, cursor }) =>
    read(() => {
      const from = decodeCursor<[number, number]>(cursor, list, ["number", "number"]);
      const ascending = order === "asc";
      const partitions = ascending ? partitionsUp.all() : partitionsUp.all().toReversed();
      const rows: Row[] = [];
      for (const partition of partitions) {
        if (from !== null && (ascending ? partition < from[0] : partition > from[0])) continue;
        let low = boundOf(partition, range.since, 0);
        let high = boundOf(partition, range.until, Number.MAX_SAFE_INTEGER);
        if (partition === from?.[0] && ascending) low = Math.max(low, from[1] + 1);
        if (partition === from?.[0] && !ascending) high = Math.min(high, from[1]);
        rows.push(...(ascending ? up : down).all(partition, low, high, limit + 1 - rows.length));
        if (rows.length > limit) break;
      }
      const key = (row: Row) => [row.partition, row.number];
      return toPage(rows, { limit, list, key, item: ({ data }) => JSON.parse(data) as ChangeData });
    });
}
