import type { ClientBase } from "pg";
import { foundByText } from "../foundByText";
import { GROUP_SENSORS, groupsOf } from "../searchStore";
import { trigramsOf } from "../searchText";
import type { FoundByText } from "../sensorLeads";
import { arrayText, quoted } from "./arrays";
import type { Connection } from "./connection";
import { statement } from "./statement";

/** A sensor, and the text that it is found by. */
export interface SearchedSensor {
  readonly id: string;
  readonly text: string;
}

const PRIME = 0x01000193;

/** Trigrams as the index holds them. Two that share a number make some sensors looked at in vain. */
function numbersOf(trigrams: Iterable<string>): number[] {
  const numbers = new Set<number>();
  for (const trigram of trigrams) {
    let number = 0;
    for (const character of trigram) number = Math.imul(number, PRIME) ^ (character.codePointAt(0) as number);
    numbers.add(number);
  }
  return [...numbers];
}

const add = statement(
  "search.add",
  `insert into search_groups (pass, first_id, last_id, members, trigrams)
   select $1, g.first_id, g.last_id, g.members::text[], g.trigrams::int[]
   from unnest($2::text[], $3::text[], $4::text[], $5::text[]) g (first_id, last_id, members, trigrams)`,
);

/** Adds groups of sensors, which come in order; gives how many. */
export async function addGroups(client: ClientBase, sensors: readonly SearchedSensor[], pass: number): Promise<number> {
  const groups = groupsOf(sensors);
  if (groups.length === 0) return 0;
  const column = (text: (group: readonly SearchedSensor[]) => string) => arrayText(groups.map((group) => quoted(text(group))));
  await add(
    client,
    pass,
    column((group) => (group[0] as SearchedSensor).id),
    column((group) => (group.at(-1) as SearchedSensor).id),
    column((group) => arrayText(group.map(({ id }) => quoted(id)))),
    column((group) => arrayText(numbersOf(group.flatMap(({ text }) => trigramsOf(text))))),
  );
  return groups.length;
}

const groupsWith = statement<{ first: string; members: readonly string[] }>(
  "search.groups",
  `select first_id as first, members from search_groups where trigrams @> $1::int[] and last_id > $2 order by first_id limit $3`,
);
const waitingBeyond = statement<{ complete: boolean; ids: readonly string[] }>(
  "search.waiting",
  `select p.complete, array(select distinct sensor_id from search_waiting where sensor_id > $1 order by sensor_id limit $2) as ids
   from search_progress p`,
);

/**
 * By the groups whose texts have all trigrams, and those that wait. Who waits is read first: what is grouped in between is then found
 * twice, and not never.
 */
export async function findByText(
  { work }: Connection,
  trigrams: readonly string[],
  { after, steps }: { after: string; steps: number },
): Promise<FoundByText | null> {
  const [state] = await waitingBeyond(work, after, steps + 1);
  if (state?.complete !== true) return null;
  const numbers = numbersOf(trigrams);
  for (let limit = Math.ceil(steps / GROUP_SENSORS); ; limit *= 2) {
    const groups = await groupsWith(work, numbers, after, limit + 1);
    const found = foundByText(groups, state.ids, { after, groups: limit, waiting: steps });
    if (found !== null) return found;
  }
}
