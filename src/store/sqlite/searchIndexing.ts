import { type Indexed, nextWork, type SearchProgress, type SearchStore, WAITING_MAX } from "../searchStore";
import type { Connection } from "./connection";
import type { Direct } from "./faults";
import { prepareDropGroups, prepareGroups, type SearchedSensor } from "./searchGroups";

export function openSearch(connection: Connection): Direct<SearchStore> {
  const { client, write } = connection;
  const progress = client.prepare<[number], SearchProgress>(
    "select pass, reached, passed, added, ? - begun_at as ageMs from search_progress",
  );
  const past = client.prepare<[number], number>("select 1 from search_groups where pass < ? limit 1").pluck();
  const waiting = client.prepare<[number], number>("select count(*) from (select 1 from search_waiting limit ?)").pluck();
  const begin = client.prepare<[number]>(
    "insert into search_progress (id, pass, reached, complete, passed, added, begun_at) values (1, 1, '', false, 0, 0, ?)",
  );
  const works = prepareWorks(connection);

  return {
    indexTexts(limit) {
      const now = Date.now();
      const at = progress.get(now);
      if (at === undefined) {
        begin.run(now);
        return { sensors: 0, more: true };
      }
      const work = nextWork(at, waiting.get(WAITING_MAX) as number);
      if (work === "clear" && past.get(at.pass) === undefined) return { sensors: 0, more: false };
      return write(() => works[work](progress.get(now) as SearchProgress, limit));
    },
  };
}

/** Each belongs into a transaction. */
function prepareWorks(connection: Connection): Record<ReturnType<typeof nextWork>, (at: SearchProgress, limit: number) => Indexed> {
  const { client } = connection;
  const addGroups = prepareGroups(connection);
  const dropGroups = prepareDropGroups(connection);
  const waiting = client.prepare<[number], SearchedSensor & { living: number }>(
    `select w.sensor_id as id, s.search_text as text, s.deleted_at is null as living
     from search_waiting w cross join sensors s on s.id = w.sensor_id order by w.sensor_id limit ?`,
  );
  const noLonger = client.prepare<[string]>("delete from search_waiting where sensor_id <= ?");
  const beyond = client.prepare<[string, number], SearchedSensor & { living: number }>(
    "select id, search_text as text, deleted_at is null as living from sensors where id > ? order by id limit ?",
  );
  const added = client.prepare<[number]>("update search_progress set added = added + ?");
  const passed = client.prepare<[string | null, number, number]>(
    "update search_progress set reached = ?, passed = passed + ?, complete = max(complete, ?)",
  );
  const begin = client.prepare<[number]>("update search_progress set pass = pass + 1, reached = '', passed = 0, added = 0, begun_at = ?");
  const living = (rows: readonly (SearchedSensor & { living: number })[]) => rows.filter((row) => row.living === 1);

  return {
    group({ pass }, limit) {
      const rows = waiting.all(Math.max(limit, WAITING_MAX));
      added.run(addGroups(living(rows), pass));
      noLonger.run(rows.at(-1)?.id ?? "");
      return { sensors: rows.length, more: true };
    },
    pass({ pass, reached }, limit) {
      const rows = beyond.all(reached ?? "", limit);
      const over = rows.length < limit;
      passed.run(over ? null : (rows.at(-1)?.id ?? null), addGroups(living(rows), pass), Number(over));
      return { sensors: rows.length, more: true };
    },
    clear: ({ pass }, limit) => ({ sensors: 0, more: dropGroups(pass, limit) > 0 }),
    renew() {
      begin.run(Date.now());
      return { sensors: 0, more: true };
    },
  };
}
