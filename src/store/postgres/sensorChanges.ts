import type { ChangeData } from "../../domain/change";
import { keptCondition } from "../erasureStore";
import { type ChangeKey, chooseChanges, recordedSince, wishOf } from "../sensorChanges";
import type { ChangeQuery, Page, PageRequest } from "../store";
import type { Connection } from "./connection";
import { statement } from "./statement";

// A sensor's revisions have no gaps, and `recordedAt` never goes back: the first of a time is found by halves.
const firstSince = statement<{ low: number }>(
  "sensorChanges.firstSince",
  `with recursive halves (low, high) as (
     select (select revision from changes where sensor_id = $1 order by revision limit 1),
       (select revision + 1 from changes where sensor_id = $1 order by revision desc limit 1)
     union all
     select case when early then middle + 1 else low end, case when early then high else middle end from (
       select low, high, (low + high) / 2 as middle,
         (select recorded_at < $2::bigint from changes where sensor_id = $1 and revision = (low + high) / 2) as early
       from halves where low < high) halved)
   select low from halves where low >= high`,
);
const KEYS = `select revision, occurred_at as "occurredAt", octet_length(data) as bytes from changes
  where sensor_id = $1 and revision > $2 and revision < $3 and ${keptCondition("changes")} order by revision`;
const up = statement<ChangeKey>("sensorChanges.up", `${KEYS} limit $4`);
const down = statement<ChangeKey>("sensorChanges.down", `${KEYS} desc limit $4`);
const dataOf = statement<{ revision: number; data: string }>(
  "sensorChanges.data",
  "select revision, data from changes where sensor_id = $1 and revision = any($2::bigint[])",
);

export function prepareChangesOfSensor({ read }: Connection): (query: ChangeQuery, page: PageRequest) => Promise<Page<ChangeData>> {
  return (query, page) =>
    read(async ({ client }) => {
      const { sensorId = "", range, order } = query;
      const time = recordedSince(range);
      const wish = wishOf(query, page, time === null ? 0 : ((await firstSince(client, sensorId, time))[0]?.low ?? 0));
      const found = await (order === "asc" ? up : down)(client, sensorId, wish.above, wish.below, wish.limit);
      const { revisions, nextCursor } = chooseChanges(found, query, { limit: page.limit, wish });
      const rows = revisions.length === 0 ? [] : await dataOf(client, sensorId, revisions);
      const texts = new Map(rows.map(({ revision, data }) => [revision, data]));
      return { items: revisions.map((revision) => JSON.parse(texts.get(revision) as string) as ChangeData), nextCursor };
    });
}
