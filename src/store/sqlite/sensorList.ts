import { nextTurn } from "../../nextTurn";
import { and, asc, eq, gt, isNull, lte, or, type SQL, sql } from "drizzle-orm";
import { currentState } from "../../domain/state";
import type { Page, PageRequest, SensorQuery, SensorRecord } from "../store";
import type { Connection } from "./connection";
import { decodeCursor, toPage } from "../cursor";
import { sensorLabels, sensors, states } from "./schema/sensors";
import type { Lead, StateColumn } from "../sensorLeads";
import { prepareLead, prepareSteps } from "./sensorLead";
import { sensorOf, stateOf } from "./sensorRows";

const LIST = "sensors";

/** So many sensors are looked at before others may do something: a search that finds nothing looks at all of them. */
const LOOKED_AT_ONCE_MAX = 2000;

/** By id. One filter leads, and its index gives the order, so that a page costs what that filter lets through up to its end. */
export function prepareSensorList(connection: Connection): (query: SensorQuery, page: PageRequest) => Promise<Page<SensorRecord>> {
  const chooseLead = prepareLead(connection);
  const stepOn = prepareSteps(connection);
  const select = prepareSelect(connection);

  async function find(query: SensorQuery, after: string, limit: number): Promise<SensorFields[]> {
    const lead = chooseLead(query);
    const found: SensorFields[] = [];
    for (let from = after; ;) {
      const to = stepOn(lead, from, LOOKED_AT_ONCE_MAX);
      found.push(...select(query, lead, { from, to, limit: limit - found.length }));
      if (to === null || found.length === limit) return found;
      from = to;
      await nextTurn();
    }
  }

  return async (query, { limit, cursor }) => {
    const after = decodeCursor<[string]>(cursor, LIST, ["string"])?.[0] ?? "";
    return toPage(await find(query, after, limit + 1), {
      limit,
      list: LIST,
      key: (row) => [row.sensor.id],
      item: ({ sensor, state }) => ({ sensor: sensorOf(sensor), state: currentState(state === null ? null : stateOf(state), sensor.life) }),
    });
  };
}

interface SensorFields {
  readonly sensor: typeof sensors.$inferSelect;
  readonly state: typeof states.$inferSelect | null;
}

/** Those beyond `from`, as far as `to`. */
interface Slice {
  readonly from: string;
  readonly to: string | null;
  readonly limit: number;
}

function prepareSelect({ db }: Connection): (query: SensorQuery, lead: Lead | null, slice: Slice) => SensorFields[] {
  return (query, lead, { from, to, limit }) => {
    const ordered = orderOf(lead);
    const all = db.select({ sensor: sensors, state: states }).from(sensors).leftJoin(states, eq(states.sensorId, sensors.id)).$dynamic();
    const led = lead?.by === "label" ? all.innerJoin(sensorLabels, isLabelled(lead)) : all;
    return led
      .where(and(...conditionsOf(query, lead), gt(ordered, from), to === null ? undefined : lte(ordered, to)))
      .orderBy(asc(ordered))
      .limit(limit)
      .all();
  };
}

/** Where the order comes from. */
function orderOf(lead: Lead | null) {
  if (lead === null) return sensors.id;
  return lead.by === "label" ? sensorLabels.sensorId : states.sensorId;
}

function conditionsOf({ status, severity, availability, labels, q }: SensorQuery, lead: Lead | null): SQL[] {
  const conditions = [isNull(sensors.deletedAt)];
  const wantsState = status !== undefined || severity !== undefined || (availability !== undefined && availability !== "pending");
  // A state that was written in an earlier life says nothing of the present one.
  if (wantsState) conditions.push(eq(states.life, sensors.life));
  if (status !== undefined) conditions.push(isInState("status", status, lead));
  if (severity !== undefined) conditions.push(isInState("severity", severity, lead));
  if (availability === "pending") {
    conditions.push(or(isNull(states.availability), sql`${states.life} <> ${sensors.life}`, eq(states.availability, "pending")) as SQL);
  } else if (availability !== undefined) {
    conditions.push(isInState("availability", availability, lead));
  }
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (lead?.by !== "label" || lead.key !== key) conditions.push(hasLabel(key, value));
  }
  if (q !== undefined && q !== "") conditions.push(sql`instr(${sensors.searchText}, ${q.toLowerCase()}) > 0`);
  return conditions;
}

/** The plus keeps SQLite from any index but the lead's. */
function isInState(column: StateColumn, value: string, lead: Lead | null): SQL {
  const plus = sql.raw(lead?.by === column ? "" : "+");
  return sql`${plus}${states[column]} = ${value}`;
}

function isLabelled({ key, value }: { key: string; value: string }): SQL {
  const { sensorId, labelKey, labelValue } = sensorLabels;
  return and(eq(sensorId, sensors.id), eq(labelKey, key), eq(labelValue, value)) as SQL;
}

function hasLabel(key: string, value: string): SQL {
  return sql`exists (select 1 from ${sensorLabels} l where l.label_key = ${key} and l.label_value = ${value} and l.sensor_id = ${sensors.id})`;
}
