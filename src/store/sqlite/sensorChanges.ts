import type Database from "better-sqlite3";
import type { ChangeData } from "../../domain/change";
import { keptCondition } from "../erasureStore";
import { type ChangeKey, chooseChanges, recordedSince, wishOf } from "../sensorChanges";
import type { ChangeQuery, Page, PageRequest } from "../store";
import type { Connection } from "./connection";

export function prepareChangesOfSensor({ client, read }: Connection): (query: ChangeQuery, page: PageRequest) => Page<ChangeData> {
  const firstSince = prepareFirstSince(client);
  const keys = "select revision, occurred_at as occurredAt, octet_length(data) as bytes from changes";
  const between = `sensor_id = ? and revision > ? and revision < ? and ${keptCondition("changes")}`;
  const up = client.prepare<[string, number, number, number], ChangeKey>(`${keys} where ${between} order by revision limit ?`);
  const down = client.prepare<[string, number, number, number], ChangeKey>(`${keys} where ${between} order by revision desc limit ?`);
  const dataOf = client.prepare<[string, number], string>("select data from changes where sensor_id = ? and revision = ?").pluck();

  return (query, page) =>
    read(() => {
      const { sensorId = "", range, order } = query;
      const time = recordedSince(range);
      const wish = wishOf(query, page, time === null ? 0 : firstSince(sensorId, time));
      const found = (order === "asc" ? up : down).all(sensorId, wish.above, wish.below, wish.limit);
      const { revisions, nextCursor } = chooseChanges(found, query, { limit: page.limit, wish });
      return { items: revisions.map((revision) => JSON.parse(dataOf.get(sensorId, revision) as string) as ChangeData), nextCursor };
    });
}

/** A sensor's revisions have no gaps, and `recordedAt` never goes back: the first revision of a time is found by halves. */
function prepareFirstSince(client: Database.Database): (sensorId: string, time: number) => number {
  const of = "from changes where sensor_id = ?";
  const first = client.prepare<[string], number>(`select revision ${of} order by revision limit 1`).pluck();
  const last = client.prepare<[string], number>(`select revision ${of} order by revision desc limit 1`).pluck();
  const recordedAt = client.prepare<[string, number], number>(`select recorded_at ${of} and revision = ?`).pluck();
  return (sensorId, time) => {
    let low = first.get(sensorId) ?? 0;
    let high = (last.get(sensorId) ?? -1) + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((recordedAt.get(sensorId, middle) ?? time) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
