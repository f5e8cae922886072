import { currentState } from "../../domain/state";
import { decodeCursor } from "../cursor";
import { LargePage } from "../largePages";
import { wantedText } from "../searchText";
import { choicesOf, type Slice, type StateColumn } from "../sensorLeads";
import { SENSOR_AND_STATE, SENSOR_SIZE, type SensorAndStateRow, sensorAndStateOf } from "../sensorRows";
import { findSensors, type SensorPaths } from "../sensorSlices";
import type { Page, PageRequest, SensorAndState, SensorQuery, SensorRecord } from "../store";
import type { Connection } from "./connection";
import { findByText } from "./searchGroups";
import { idsOf, stretchesAlong } from "./sensorPaths";
import { Values } from "./statement";

const LIST = "sensors";

/** By id. What leads gives the order, so that a page costs what that lets through up to its end. */
export function prepareSensorList(connection: Connection): (query: SensorQuery, page: PageRequest) => Promise<Page<SensorRecord>> {
  const paths: SensorPaths = {
    stretches: (leads, after, steps) => stretchesAlong(connection, leads, { after, steps }),
    byText: (trigrams, after, steps) => findByText(connection, trigrams, { after, steps }),
    select: (query, slice, limit) => select(connection, query, { ...slice, limit }),
  };

  return async (query, { limit, cursor }) => {
    const after = decodeCursor<[string]>(cursor, LIST, ["string"])?.[0] ?? "";
    using large = new LargePage<SensorAndState>(limit, SENSOR_SIZE);
    await findSensors(paths, query, { after, limit, large });
    return large.page({
      list: LIST,
      key: ({ sensor }) => [sensor.id],
      item: ({ sensor, state }) => ({ sensor, state: currentState(state, sensor.life) }),
    });
  };
}

/** `offset 0` keeps the planner from any other way than along the path, sensor by sensor. */
async function select({ work }: Connection, query: SensorQuery, slice: Slice & { readonly limit: number }): Promise<SensorAndState[]> {
  const values = new Values();
  if (slice.path === null) return selectOfAll(work, query, slice);
  const { rows } = await work.query<SensorAndStateRow>(
    `select f.* from (${idsOf(query, slice, values)}) l
     cross join lateral (
       select ${SENSOR_AND_STATE} from sensors s left join states t on t.sensor_id = s.id
       where s.id = l.id and ${conditionsOf(query, values).join(" and ")} offset 0) f
     order by l.id limit ${values.add(slice.limit)}`,
    values.all,
  );
  return rows.map(sensorAndStateOf);
}

/** Along the key of all sensors, whose rows are read anyway. */
async function selectOfAll(work: Connection["work"], query: SensorQuery, { begins, to, limit }: Slice & { readonly limit: number }) {
  const values = new Values();
  const bounds = `s.id >= ${values.add(begins)}${to === null ? "" : ` and s.id <= ${values.add(to)}`}`;
  const { rows } = await work.query<SensorAndStateRow>(
    `select ${SENSOR_AND_STATE} from sensors s left join states t on t.sensor_id = s.id
     where ${bounds} and ${conditionsOf(query, values).join(" and ")} order by s.id limit ${values.add(limit)}`,
    values.all,
  );
  return rows.map(sensorAndStateOf);
}

function conditionsOf({ q, ...query }: SensorQuery, values: Values): string[] {
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
  const text = wantedText(q);
  if (text !== null) conditions.push(`strpos(s.search_text, ${values.add(text)}) > 0`);
  return conditions;
}
