import { and, asc, desc, eq, gt, gte, lt, type SQL, sql } from "drizzle-orm";
import type { ChangeData } from "../../domain/change";
import type { ChangeQuery, HistoryStore, Page, PageRequest, TimeRange } from "../store";
import type { Connection } from "./connection";
import { decodeCursor, toPage } from "../cursor";
import { keptCondition } from "../erasureStore";
import { reportOf } from "../reportRows";
import { prepareErased } from "./erasure";
import type { Direct } from "./faults";
import { beginningOf, byTime, type Place, type PlaceInTime, type Span, spanBeyond } from "./places/place";
import type { ReportPlaces } from "./places/reportPlaces";
import { changes, reports } from "./schema/log";

export function openHistory(connection: Connection, places: Pick<ReportPlaces, "placesOf">): Direct<HistoryStore> {
  const { db, read } = connection;
  const reportAt = prepareReportAt(connection);
  const erased = prepareErased(connection);
  const listAllChanges = prepareListOfAll(connection);

  function listChangesOf(sensorId: string, { range, order }: ChangeQuery, { limit, cursor }: PageRequest): Page<ChangeData> {
    const list = `changesOf:${sensorId}`;
    const from = decodeCursor<[number]>(cursor, list, ["number"])?.[0];
    const { revision, occurredAt, data } = changes;
    const beyond = order === "asc" ? gt : lt;
    const rows = db
      .select({ revision, data })
      .from(changes)
      .where(
        and(
          eq(changes.sensorId, sensorId),
          from === undefined ? undefined : beyond(revision, from),
          within(occurredAt, range),
          gte(changes.recordedAt, erased(sensorId) ?? 0),
        ),
      )
      .orderBy(order === "asc" ? asc(revision) : desc(revision))
      .limit(limit + 1)
      .all();
    return toPage(rows, { limit, list, key: (row) => [row.revision], item: ({ data: text }) => JSON.parse(text) as ChangeData });
  }

  return {
    listReports: (sensorId, { range, order }, { limit, cursor }) =>
      read(() => {
        const list = `reportsOf:${sensorId}`;
        const from = decodeCursor<[number, number, number, number]>(cursor, list, ["number", "number", "number", "number"]);
        const rows: ReportFields[] = [];
        const before = erased(sensorId);
        const isKept = (row: ReportFields | undefined) => row !== undefined && (before === undefined || row.recordedAt >= before);
        let span: Span | null = spanOf(range, order, from);
        if (before !== undefined)
          span = keptOf(
            span,
            (kept) => places.placesOf(sensorId, kept, 1)[0],
            (place) => isKept(reportAt(place)),
          );
        while (span !== null && rows.length <= limit) {
          const wanted = limit + 1 - rows.length;
          const found = places.placesOf(sensorId, span, wanted);
          // A place whose report is pruned leads nowhere.
          for (const row of found.map(reportAt)) if (row !== undefined && isKept(row)) rows.push(row);
          const last = found.at(-1);
          span = last === undefined || found.length < wanted ? null : spanBeyond(span, last);
        }
        const key = (row: ReportFields) => [row.receivedAt, row.partition, row.generation, row.sequence];
        return toPage(rows, { limit, list, key, item: reportOf });
      }),

    listChanges: (query, page) => (query.sensorId === undefined ? listAllChanges(query, page) : listChangesOf(query.sensorId, query, page)),
  };
}

type ReportFields = typeof reports.$inferSelect;

function prepareReportAt({ db }: Connection): (place: Place) => ReportFields | undefined {
  const { partition, generation, sequence } = reports;
  const at = (name: keyof Place) => sql.placeholder(name);
  const find = db
    .select()
    .from(reports)
    .where(and(eq(partition, at("partition")), eq(generation, at("generation")), eq(sequence, at("sequence"))))
    .prepare();
  return (place) => find.get({ partition: place.partition, generation: place.generation, sequence: place.sequence });
}

/** A range of time, and beyond what a cursor has reached. */
function spanOf({ since, until }: TimeRange, order: "asc" | "desc", reached: readonly [number, number, number, number] | null): Span {
  const span = { after: beginningOf(since ?? 0), before: beginningOf(until ?? Number.MAX_SAFE_INTEGER), order };
  if (reached === null) return span;
  const [receivedAt, partition, generation, sequence] = reached;
  const place = { receivedAt, partition, generation, sequence };
  const inside = byTime(place, span.after) > 0 && byTime(place, span.before) < 0;
  return inside ? spanBeyond(span, place) : span;
}

/**
 * What of a span may be kept of a sensor that was deleted with its history: reports are recorded in the order of their times, so the time
 * at which those begin that are kept is found by halving. Only within one millisecond both may stand.
 */
function keptOf(span: Span, firstOf: (span: Span) => PlaceInTime | undefined, isKept: (place: PlaceInTime) => boolean): Span {
  const within: Span = { after: beginningOf(0), before: beginningOf(Number.MAX_SAFE_INTEGER), order: "asc" };
  const newest = firstOf({ ...within, order: "desc" });
  if (newest === undefined) return span;
  let [low, high] = [0, newest.receivedAt + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const first = firstOf({ ...within, after: beginningOf(middle) });
    if (first === undefined || isKept(first)) high = middle;
    else low = middle + 1;
  }
  const from = beginningOf(high - 1);
  return byTime(from, span.after) > 0 ? { ...span, after: from } : span;
}

function within(column: typeof changes.occurredAt, { since, until }: TimeRange): SQL | undefined {
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
  const bounds = `partition = ? and number >= ? and number < ? and ${keptCondition("changes")}`;
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
