import { type FeedHead, planFeed, PRUNED } from "../feedRows";
import { keptCondition } from "../erasureStore";
import type { ChangeFeedStore, LoggedChange } from "../store";
import { LOGGED_CHANGE } from "./changeLog";
import type { Connection } from "./connection";
import { statement } from "./statement";

const SINCE = "select number from changes c where c.partition = p.partition and c.recorded_at >=";
const EARLIEST = "order by recorded_at, number limit 1";

// Upwards alone it matters where what is kept begins: the rows before it may have been taken out a moment ago, and are slow to pass by.
const heads = statement<FeedHead>(
  "changeFeed.heads",
  `select p.partition, p.change_number as last,
     (select number from changes c where c.partition = p.partition and c.number > coalesce(r.reached, 0) and $3::boolean order by number limit 1)
       as next,
     coalesce((select value from meta where name = '${PRUNED}' || p.partition), 0) as pruned,
     (${SINCE} $4::bigint ${EARLIEST}) as since, (${SINCE} $5::bigint ${EARLIEST}) as until
   from partitions p left join unnest($1::int[], $2::bigint[]) r (partition, reached) on r.partition = p.partition
   where p.role = 'ingest' order by p.partition`,
);

type Found = LoggedChange & { readonly found: number };

/** Sizes are looked at first, so that the data of no more is read than fits. */
function walk(name: string, way: "" | "desc") {
  const order = `recorded_at ${way}, partition ${way}, number ${way}`;
  return statement<Found>(
    `changeFeed.${name}`,
    `with keys as (
       select c.* from unnest($1::int[], $2::bigint[], $3::bigint[]) a (partition, low, high) cross join lateral (
         select partition, number, recorded_at, octet_length(data) as bytes from changes
         where partition = a.partition and number > a.low and number <= a.high and ${keptCondition("changes")} order by number ${way} limit $4::int + 1) c
       order by ${order} limit $4::int + 1),
     placed as (
       select partition, number, row_number() over way as place, sum(bytes) over way - bytes as before, count(*) over () as found
       from keys window way as (order by ${order}))
     select ${LOGGED_CHANGE}, found from placed join changes using (partition, number)
     where place = 1 or (place <= $4::int and before < $5::bigint) order by place`,
  );
}

const up = walk("up", "");
const down = walk("down", "desc");

export function openChangeFeed({ read }: Connection): ChangeFeedStore {
  return {
    async readChanges(query, { rows, bytes }) {
      const { from, range, order } = query;
      return read(async ({ client }) => {
        const reached = from ?? [];
        const ends = [range.since ?? null, range.until ?? null];
        const { stretches, ...plan } = planFeed(query, await heads(client, [...reached.keys()], reached, order === "asc", ...ends));
        if (stretches.length === 0) return { ...plan, changes: [], more: false };
        const borders = [stretches.map(({ partition }) => partition), stretches.map(({ low }) => low), stretches.map(({ high }) => high)];
        const taken = await (order === "asc" ? up : down)(client, ...borders, rows, bytes);
        return { ...plan, changes: taken.map(changeOf), more: taken.length < (taken[0]?.found ?? 0) };
      });
    },
  };
}

function changeOf({ found: _found, ...change }: Found): LoggedChange {
  return change;
}
