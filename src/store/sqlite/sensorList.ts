import { nextTurn } from "../../nextTurn";
import { and, asc, eq, gt, isNull, lte, or, type SQL, sql } from "drizzle-orm";
import { currentState } from "../../domain/state";
import type { Page, PageRequest, SensorQuery, SensorRecord } from "../store";
import type { Connection } from "./connection";
import { decodeCursor, toPage } from "../cursor";
import { sensorLabels, sensors, states } from "./schema/sensors";
import { choicesOf, type Lead, type StateColumn } from "../sensorLeads";
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

/** Along one part of an index. */
type Path = Exclude<Lead, { readonly by: StateColumn }> | { readonly by: StateColumn; readonly value: string } | null;

function prepareSelect({ db, read }: Connection): (query: SensorQuery, lead: Lead | null, slice: Slice) => SensorFields[] {
  const along = (query: SensorQuery, path: Path, { from, to, limit }: Slice): SensorFields[] => {
    const ordered = orderOf(path);
    const all = db.select({ sensor: sensors, state: states }).from(sensors).leftJoin(states, eq(states.sensorId, sensors.id)).$dynamic();
    const led = path?.by === "label" ? all.innerJoin(sensorLabels, isLabelled(path)) : all;
    return led
      .where(and(...conditionsOf(query, path), gt(ordered, from), to === null ? undefined : lte(ordered, to)))
      .orderBy(asc(ordered))
      .limit(limit)
      .all();
  };
  return (query, lead, slice) => {
    if (lead === null || "value" in lead) return along(query, lead, slice);
    const { by, values } = lead;
    // On one snapshot: one that goes from part to part is in one of them.
    const found = read(() => values.flatMap((value) => along(query, { by, value }, slice)));
    return values.length === 1 ? found : inOrder(found).slice(0, slice.limit);
  };
}

function inOrder(found: readonly SensorFields[]): SensorFields[] {
  return found.toSorted((a, b) => (a.sensor.id < b.sensor.id ? -1 : 1));
}

/** Where the order comes from. */
function orderOf(path: Path) {
  if (path === null || path.by === "id") return sensors.id;
  return path.by === "label" ? sensorLabels.sensorId : states.sensorId;
}

function conditionsOf({ labels, q, ...query }: SensorQuery, path: Path): SQL[] {
  const [status, severity, availability] = [choicesOf(query.status), choicesOf(query.severity), choicesOf(query.availability)];
  const conditions = [isNull(sensors.deletedAt)];
  if (query.id !== undefined) conditions.push(eq(sensors.id, query.id));
  // A state that was written in an earlier life says nothing of the present one.
  const ofThisLife = eq(states.life, sensors.life);
  if (status !== undefined) conditions.push(ofThisLife, isInState("status", status, path));
  if (severity !== undefined) conditions.push(ofThisLife, isInState("severity", severity, path));
  if (availability?.includes("pending")) {
    const others = and(ofThisLife, isInState("availability", availability, path));
    conditions.push(or(isNull(states.availability), sql`${states.life} <> ${sensors.life}`, others) as SQL);
  } else if (availability !== undefined) {
    conditions.push(ofThisLife, isInState("availability", availability, path));
  }
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (path?.by !== "label" || path.key !== key) conditions.push(hasLabel(key, value));
  }
  if (q !== undefined && q !== "") conditions.push(sql`instr(${sensors.searchText}, ${q.toLowerCase()}) > 0`);
  return conditions;
}

/** The plus keeps SQLite from any index but the one that is gone along. */
function isInState(column: StateColumn, values: readonly string[], path: Path): SQL {
  if (path?.by === column) return sql`${states[column]} = ${path.value}`;
  const choices = values.map((value) => sql`${value}`);
  return sql`+${states[column]} in (${sql.join(choices, sql`, `)})`;
}

function isLabelled({ key, value }: { key: string; value: string }): SQL {
  const { sensorId, labelKey, labelValue } = sensorLabels;
  return and(eq(sensorId, sensors.id), eq(labelKey, key), eq(labelValue, value)) as SQL;
}

function hasLabel(key: string, value: string): SQL {
  return sql`exists (select 1 from ${sensorLabels} l where l.label_key = ${key} and l.label_value = ${value} and l.sensor_id = ${sensors.id})`;
}
