import { foundByText } from "../foundByText";
import { GROUP_SENSORS, groupsOf } from "../searchStore";
import type { FoundByText } from "../sensorLeads";
import type { Connection } from "./connection";

/** A sensor, and the text that it is found by. */
export interface SearchedSensor {
  readonly id: string;
  readonly text: string;
}

/** Gives what adds groups of sensors, which come in order, and says how many it made. */
export function prepareGroups({ client }: Connection): (sensors: readonly SearchedSensor[], pass: number) => number {
  const add = client
    .prepare<unknown[], number>("insert into search_groups (pass, first_id, last_id, members) values (?, ?, ?, ?) returning number")
    .pluck();
  const addText = client.prepare<[number, string]>("insert into search_trigrams (rowid, text) values (?, ?)");
  return (sensors, pass) => {
    const groups = groupsOf(sensors);
    for (const group of groups) {
      const ids = group.map(({ id }) => id);
      const number = add.get(pass, ids[0], ids.at(-1), JSON.stringify(ids)) as number;
      addText.run(number, group.map(({ text }) => text).join("\n"));
    }
    return groups.length;
  };
}

/** Takes out groups of earlier passes, at most so many; gives how many. */
export function prepareDropGroups({ client }: Connection): (pass: number, limit: number) => number {
  const find = client.prepare<[number, number], number>("select number from search_groups where pass < ? limit ?").pluck();
  const drop = client.prepare<[number]>("delete from search_groups where number = ?");
  const dropText = client.prepare<[number]>("delete from search_trigrams where rowid = ?");
  return (pass, limit) => {
    const numbers = find.all(pass, limit);
    for (const number of numbers) {
      drop.run(number);
      dropText.run(number);
    }
    return numbers.length;
  };
}

/** By the groups whose texts have all trigrams, and those that wait. */
export function prepareFindByText({
  client,
  read,
}: Connection): (trigrams: readonly string[], after: string, steps: number) => FoundByText | null {
  const complete = client.prepare<[], number>("select complete from search_progress").pluck();
  const groups = client.prepare<[string, string, number], { first: string; members: string }>(
    `select g.first_id as first, g.members from search_trigrams f cross join search_groups g on g.number = f.rowid
     where f.search_trigrams match ? and g.last_id > ? order by g.first_id limit ?`,
  );
  const waiting = client
    .prepare<[string, number], string>("select sensor_id from search_waiting where sensor_id > ? order by sensor_id limit ?")
    .pluck();

  return (trigrams, after, steps) =>
    read(() => {
      if (complete.get() !== 1) return null;
      const match = trigrams.map((trigram) => `"${trigram.replaceAll('"', '""')}"`).join(" AND ");
      const waits = waiting.all(after, steps + 1);
      for (let limit = Math.ceil(steps / GROUP_SENSORS); ; limit *= 2) {
        const rows = groups.all(match, after, limit + 1);
        const parsed = rows.map(({ first, members }) => ({ first, members: JSON.parse(members) as string[] }));
        const found = foundByText(parsed, waits, { after, groups: limit, waiting: steps });
        if (found !== null) return found;
      }
    });
}
