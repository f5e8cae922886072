import { currentState } from "../../domain/state";
import { decodeCursor, toPage } from "../cursor";
import type { Page, PageRequest, SensorAndState, SensorQuery, SensorRecord } from "../store";
import type { Connection } from "./connection";
import { choicesOf, type Lead, type StateColumn } from "../sensorLeads";
import { chooseLead, idsAlong, stepAlong } from "./sensorLead";
import { SENSOR_AND_STATE, type SensorAndStateRow, sensorAndStateOf } from "../sensorRows";
import { Values } from "./statement";

const LIST = "sensors";

/** So many sensors are looked at by one statement: a search that finds nothing looks at all of them, and none may take too long. */
const LOOKED_AT_ONCE_MAX = 2000;

/** By id. One filter leads, and its index gives the order, so that a page costs what that filter lets through up to its end. */
export function prepareSensorList(connection: Connection): (query: SensorQuery, page: PageRequest) => Promise<Page<SensorRecord>> {
  async function find(query: SensorQuery, after: string, limit: number): Promise<SensorAndState[]> {
    const lead = await chooseLead(connection, query);
    const found: SensorAndState[] = [];
    for (let from = after; ;) {
      const to = await stepAlong(connection, lead, { after: from, steps: LOOKED_AT_ONCE_MAX });
      found.push(...(await select(connection, { query, lead, from, to, limit: limit - found.length })));
      if (to === null || found.length === limit) return found;
      from = to;
    }
  }

  return async (query, { limit, cursor }) => {
    const after = decodeCursor<[string]>(cursor, LIST, ["string"])?.[0] ?? "";
    return toPage(await find(query, after, limit + 1), {
      limit,
      list: LIST,
      key: ({ sensor }) => [sensor.id],
      item: ({ sensor, state }) => ({ sensor, state: currentState(state, sensor.life) }),
    });
  };
}

/** Those beyond `from`, as far as `to`. */
interface Slice {
  readonly query: SensorQuery;
  readonly lead: Lead | null;
  readonly from: string;
  readonly to: string | null;
  readonly limit: number;
}

/** `offset 0` keeps the planner from any other way than along the lead, sensor by sensor. */
async function select({ work }: Connection, { query, lead, from, to, limit }: Slice): Promise<SensorAndState[]> {
  const values = new Values();
  const beyond = `id > ${values.add(from)}${to === null ? "" : ` and id <= ${values.add(to)}`}`;
  const { rows } = await work.query<SensorAndStateRow>(
    `select f.* from (select id from (${idsAlong(lead, values)}) a where ${beyond} order by id) l
     cross join lateral (
       select ${SENSOR_AND_STATE} from sensors s left join states t on t.sensor_id = s.id
       where s.id = l.id and ${conditionsOf(query, values).join(" and ")} offset 0) f
     order by l.id limit ${values.add(limit)}`,
    values.all,
  );
  return rows.map(sensorAndStateOf);
}

function conditionsOf({ labels, q, ...query }: SensorQuery, values: Values): string[] {
  const conditions = ["s.deleted_at is null"];
  // A state that was written in an earlier life says nothing of the present one.
  const isInState = (column: StateColumn, choices: readonly string[]) =>
    `t.life = s.life and t.${column} = any(${values.add(choices)}::text[])`;
  const [status, severity, availability] = [choicesOf(query.status), choicesOf(query.severity), choicesOf(query.availability)];
  if (status !== undefined) conditions.push(isInState("status", status));
  if (severity !== undefined) conditions.push(isInState("severity", severity));
  if (availability?.includes("pending"))
    conditions.push(`(t.availability is null or t.life <> s.life or ${isInState("availability", availability)})`);
  else if (availability !== undefined) conditions.push(isInState("availability", availability));
  for (const [key, value] of Object.entries(labels ?? {})) conditions.push(hasLabel(key, value, values));
  if (q !== undefined && q !== "") conditions.push(`strpos(s.search_text, ${values.add(q.toLowerCase())}) > 0`);
  return conditions;
}

function hasLabel(key: string, value: string, values: Values): string {
  const pair = `l.label_key = ${values.add(key)} and l.label_value = ${values.add(value)}`;
  return `exists (select 1 from sensor_labels l where ${pair} and l.sensor_id = s.id)`;
}
