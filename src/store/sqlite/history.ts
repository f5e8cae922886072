import { and, eq, sql } from "drizzle-orm";
import { pageOfFeed } from "../feedRows";
import type { HistoryStore, TimeRange } from "../store";
import { openChangeFeed } from "./changeFeed";
import type { Connection } from "./connection";
import { decodeCursor } from "../cursor";
import { LargePage } from "../largePages";
import { REPORT_SIZE, reportOf } from "../reportRows";
import { prepareErased } from "./erasure";
import type { Direct } from "./faults";
import { beginningOf, byTime, type Place, type PlaceInTime, type Span, spanBeyond } from "./places/place";
import type { ReportPlaces } from "./places/reportPlaces";
import { reports } from "./schema/log";
import { prepareChangesOfSensor } from "./sensorChanges";

export function openHistory(connection: Connection, places: Pick<ReportPlaces, "placesOf">): Direct<HistoryStore> {
  const { read } = connection;
  const reportAt = prepareReportAt(connection);
  const erased = prepareErased(connection);
  const feed = openChangeFeed(connection);
  const changesOfSensor = prepareChangesOfSensor(connection);

  return {
    listReports: (sensorId, { range, order }, { limit, cursor }) =>
      read(() => {
        const list = `reportsOf:${sensorId}`;
        const from = decodeCursor<[number, number, number, number]>(cursor, list, ["number", "number", "number", "number"]);
        const large = new LargePage<ReportFields>(limit, REPORT_SIZE);
        const before = erased(sensorId);
        const isKept = (row: ReportFields | undefined): row is ReportFields =>
          row !== undefined && (before === undefined || row.recordedAt >= before);
        let span: Span | null = spanOf(range, order, from);
        if (before !== undefined)
          span = keptOf(
            span,
            (kept) => places.placesOf(sensorId, kept, 1)[0],
            (place) => isKept(reportAt(place)),
          );
        for (let wanted = large.wanted; span !== null && wanted > 0; wanted = large.wanted) {
          const found = places.placesOf(sensorId, span, wanted);
          // A place whose report is pruned leads nowhere.
          large.take(found.map(reportAt).filter(isKept), found.length < wanted);
          const last = found.at(-1);
          span = last === undefined ? null : spanBeyond(span, last);
        }
        const key = (row: ReportFields) => [row.receivedAt, row.partition, row.generation, row.sequence];
        return large.page({ list, key, item: reportOf });
      }),

    listChanges: (query, page) =>
      query.sensorId === undefined ? pageOfFeed((wish, most) => feed.readChanges(wish, most), query, page) : changesOfSensor(query, page),
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
