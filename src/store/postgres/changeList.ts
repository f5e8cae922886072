import type pg from "pg";
import type { ChangeData } from "../../domain/change";
import { decodeCursor, toPage } from "../cursor";
import { keptCondition } from "../erasureStore";
import type { ChangeQuery, Page, PageRequest } from "../store";
import type { Connection } from "./connection";
import { statement } from "./statement";

const LIST = "changes";

interface Row {
  readonly partition: number;
  readonly number: number;
  readonly data: string;
}

const partitionsUp = statement<{ partition: number }>(
  "changeList.partitions",
  "select partition from partitions where role = 'ingest' order by partition",
);
const firstSince = statement<{ number: number }>(
  "changeList.firstSince",
  "select number from changes where partition = $1 and recorded_at >= $2 order by recorded_at, number limit 1",
);
const BETWEEN = `select partition, number, data from changes
  where partition = $1 and number >= $2 and number < $3 and ${keptCondition("changes")}`;
const up = statement<Row>("changeList.up", `${BETWEEN} order by number limit $4`);
const down = statement<Row>("changeList.down", `${BETWEEN} order by number desc limit $4`);

async function boundOf(client: pg.ClientBase, partition: number, { time, open }: { time: number | undefined; open: number }) {
  return time === undefined ? open : ((await firstSince(client, partition, time))[0]?.number ?? Number.MAX_SAFE_INTEGER);
}

/** Changes of all sensors. `recordedAt` never goes back in a partition, so a time range is a range of numbers, found by its ends. */
export function prepareListOfAll({ read }: Connection): (query: ChangeQuery, page: PageRequest) => Promise<Page<ChangeData>> {
  return async ({ range, order }, { limit, cursor }) => {
    const from = decodeCursor<[number, number]>(cursor, LIST, ["number", "number"]);
    const ascending = order === "asc";
    const rows = await read(async ({ client }) => {
      const partitions = (await partitionsUp(client)).map(({ partition }) => partition);
      const found: Row[] = [];
      for (const partition of ascending ? partitions : partitions.toReversed()) {
        if (from !== null && (ascending ? partition < from[0] : partition > from[0])) continue;
        let low = await boundOf(client, partition, { time: range.since, open: 0 });
        let high = await boundOf(client, partition, { time: range.until, open: Number.MAX_SAFE_INTEGER });
        if (partition === from?.[0] && ascending) low = Math.max(low, from[1] + 1);
        if (partition === from?.[0] && !ascending) high = Math.min(high, from[1]);
        found.push(...(await (ascending ? up : down)(client, partition, low, high, limit + 1 - found.length)));
        if (found.length > limit) break;
      }
      return found;
    });
    const key = (row: Row) => [row.partition, row.number];
    return toPage(rows, { limit, list: LIST, key, item: ({ data }) => JSON.parse(data) as ChangeData });
  };
}
