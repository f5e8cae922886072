import type { ClientBase } from "pg";
import { type Indexed, nextWork, type SearchProgress, type SearchStore, WAITING_MAX } from "../searchStore";
import { NOW_MS } from "./clock";
import type { Connection } from "./connection";
import { addGroups, type SearchedSensor } from "./searchGroups";
import { statement } from "./statement";

type Found = SearchedSensor & { readonly living: boolean };

const progress = statement<SearchProgress & { waiting: number; past: boolean }>(
  "search.progress",
  `select p.pass, p.reached, p.passed, p.added, ${NOW_MS} - p.begun_at as "ageMs", (select count(*)::int from (select 1 from search_waiting limit ${WAITING_MAX}) w) as waiting,
     exists (select 1 from search_groups where pass < p.pass) as past
   from search_progress p`,
);
/** Whoever has it works; others come again. */
const hold = statement("search.hold", "select 1 from search_progress for update skip locked");
const take = statement<{ sensor_id: string }>(
  "search.take",
  `delete from search_waiting where ctid = any(array(select ctid from search_waiting order by sensor_id limit $1)) returning sensor_id`,
);
const read = statement<Found>(
  "search.read",
  `select id, search_text as text, deleted_at is null as living from sensors where id = any($1::text[]) order by id`,
);
const beyond = statement<Found>(
  "search.beyond",
  "select id, search_text as text, deleted_at is null as living from sensors where id > $1 order by id limit $2",
);
const drop = statement<{ number: number }>(
  "search.drop",
  "delete from search_groups where number = any(array(select number from search_groups where pass < $1 limit $2)) returning number",
);
const first = statement(
  "search.first",
  `insert into search_progress (id, pass, reached, complete, passed, added, begun_at) values (1, 1, '', false, 0, 0, ${NOW_MS})
   on conflict do nothing`,
);
const added = statement("search.added", "update search_progress set added = added + $1");
const passed = statement("search.passed", "update search_progress set reached = $1, passed = passed + $2, complete = complete or $3");
const begin = statement(
  "search.begin",
  `update search_progress set pass = pass + 1, reached = '', passed = 0, added = 0, begun_at = ${NOW_MS}`,
);

export function openSearch({ work, write }: Connection): SearchStore {
  return {
    async indexTexts(limit) {
      const [at] = await progress(work);
      if (at === undefined) {
        await first(work);
        return { sensors: 0, more: true };
      }
      if (nextWork(at, at.waiting) === "clear" && !at.past) return { sensors: 0, more: false };
      return write(async ({ client }) => {
        if ((await hold(client)).length === 0) return { sensors: 0, more: false };
        const [held] = await progress(client);
        return held === undefined ? { sensors: 0, more: false } : WORKS[nextWork(held, held.waiting)](client, held, limit);
      });
    },
  };
}

const WORKS: Record<ReturnType<typeof nextWork>, (client: ClientBase, at: SearchProgress, limit: number) => Promise<Indexed>> = {
  async group(client, { pass }, limit) {
    const taken = await take(client, Math.max(limit, WAITING_MAX));
    // Read by a statement of its own: it sees every text that was committed with what was taken.
    const sensors = await read(client, [...new Set(taken.map((row) => row.sensor_id))]);
    await added(client, await addGroups(client, living(sensors), pass));
    return { sensors: taken.length, more: true };
  },
  async pass(client, { pass, reached }, limit) {
    const sensors = await beyond(client, reached ?? "", limit);
    const over = sensors.length < limit;
    await passed(client, over ? null : sensors.at(-1)?.id, await addGroups(client, living(sensors), pass), over);
    return { sensors: sensors.length, more: true };
  },
  clear: async (client, { pass }, limit) => ({ sensors: 0, more: (await drop(client, pass, limit)).length > 0 }),
  async renew(client) {
    await begin(client);
    return { sensors: 0, more: true };
  },
};

function living(sensors: readonly Found[]): Found[] {
  return sensors.filter((sensor) => sensor.living);
}
