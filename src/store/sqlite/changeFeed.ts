import { type FeedHead, planFeed, PRUNED, type Stretch } from "../feedRows";
import { keptCondition } from "../erasureStore";
import type { ChangeFeedStore, FeedQuery, FeedSlice, LoggedChange } from "../store";
import { LOGGED_CHANGE } from "./changeLog";
import type { Connection } from "./connection";
import type { Direct } from "./faults";

interface Key {
  readonly partition: number;
  readonly number: number;
  readonly recordedAt: number;
  readonly bytes: number;
}

/** How much of a partition's stretch a slice takes, by its ends. */
interface Taken {
  first: number;
  last: number;
}

export function openChangeFeed(connection: Connection): Direct<ChangeFeedStore> {
  const headsOf = prepareHeads(connection);
  const { client, read } = connection;
  const stretch = `partition = ? and number > ? and number <= ? and ${keptCondition("changes")}`;
  const keys = "select partition, number, recorded_at as recordedAt, octet_length(data) as bytes from changes";
  const keysUp = client.prepare<number[], Key>(`${keys} where ${stretch} order by number limit ?`);
  const keysDown = client.prepare<number[], Key>(`${keys} where ${stretch} order by number desc limit ?`);
  const rows = client.prepare<number[], LoggedChange>(
    `select ${LOGGED_CHANGE} from changes where partition = ? and number between ? and ? order by number`,
  );

  /** What comes first of all partitions, one more than `limit` where there is one. */
  function merged(stretches: readonly Stretch[], order: FeedQuery["order"], limit: number): Key[] {
    const ascending = order === "asc";
    const found = stretches.map(({ partition, low, high }) => (ascending ? keysUp : keysDown).all(partition, low, high, limit + 1));
    if (found.length === 1) return found[0] as Key[];
    const sign = ascending ? 1 : -1;
    const later = (a: Key, b: Key) => a.recordedAt - b.recordedAt || a.partition - b.partition || a.number - b.number;
    return found.flat().sort((a, b) => sign * later(a, b));
  }

  /** In the order of their keys, of which those of a partition follow on each other. */
  function loaded(taken: readonly Key[]): LoggedChange[] {
    const stretches = new Map<number, Taken>();
    for (const { partition, number } of taken) {
      const known = stretches.get(partition);
      if (known === undefined) stretches.set(partition, { first: number, last: number });
      else [known.first, known.last] = [Math.min(known.first, number), Math.max(known.last, number)];
    }
    const found = new Map<string, LoggedChange>();
    for (const [partition, { first, last }] of stretches) {
      for (const row of rows.all(partition, first, last)) found.set(`${partition}.${row.number}`, row);
    }
    return taken.map(({ partition, number }) => found.get(`${partition}.${number}`) as LoggedChange);
  }

  return {
    readChanges: (query, most) =>
      read((): FeedSlice => {
        const { stretches, ...plan } = planFeed(query, headsOf(query));
        const keys = merged(stretches, query.order, most.rows);
        const count = fitting(keys, most);
        return { ...plan, changes: loaded(keys.slice(0, count)), more: count < keys.length };
      }),
  };
}

/** How many of the first fit, but one at least. */
function fitting(keys: readonly Key[], { rows, bytes }: { rows: number; bytes: number }): number {
  let total = 0;
  const end = keys.findIndex((key, index) => {
    if (index >= rows || (index > 0 && total >= bytes)) return true;
    total += key.bytes;
    return false;
  });
  return end === -1 ? keys.length : end;
}

function prepareHeads({ client }: Connection): (query: FeedQuery) => FeedHead[] {
  const lasts = client.prepare<[], { partition: number; last: number; pruned: number }>(
    `select p.partition, p.change_number as last, coalesce((select value from meta where name = '${PRUNED}' || p.partition), 0) as pruned
     from partitions p where p.role = 'ingest' order by p.partition`,
  );
  const firstBehind = client
    .prepare<[number, number], number>("select number from changes where partition = ? and number > ? order by number limit 1")
    .pluck();
  const firstSince = client
    .prepare<[number, number], number>(
      "select number from changes where partition = ? and recorded_at >= ? order by recorded_at, number limit 1",
    )
    .pluck();
  const at = (partition: number, time: number | undefined) => (time === undefined ? null : (firstSince.get(partition, time) ?? null));
  return ({ from, range, order }) =>
    lasts.all().map((head) => {
      const { partition } = head;
      const next = order === "desc" ? null : (firstBehind.get(partition, from?.[partition] ?? 0) ?? null);
      return { ...head, next, since: at(partition, range.since), until: at(partition, range.until) };
    });
}
