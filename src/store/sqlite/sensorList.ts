import { and, asc, eq, gt, isNull, or, type SQL, sql } from "drizzle-orm";
import { currentState } from "../../domain/state";
import type { Page, PageRequest, SensorQuery, SensorRecord } from "../store";
import type { Connection } from "./connection";
import { decodeCursor, toPage } from "./cursor";
import { sensorLabels, sensors, states } from "./schema/sensors";
import { sensorOf, stateOf } from "./sensorRows";

const LIST = "sensors";

/** By id. The filter that an index answers best leads, and its index gives the order, so that a page costs what it shows. */
export function prepareSensorList({ db }: Connection): (query: SensorQuery, page: PageRequest) => Page<SensorRecord> {
  return (query, { limit, cursor }) => {
    const after = decodeCursor<[string]>(cursor, LIST, ["string"])?.[0] ?? "";
    const [leadingLabel, ...labels] = Object.entries(query.labels ?? {});
    const conditions = [isNull(sensors.deletedAt), ...stateConditions(query), ...labels.map(([key, value]) => hasLabel(key, value))];
    if (query.q !== undefined && query.q !== "") conditions.push(sql`instr(${sensors.searchText}, ${query.q.toLowerCase()}) > 0`);

    const ordered = leadingLabel === undefined ? leadOf(query) : sensorLabels.sensorId;
    const all = db.select({ sensor: sensors, state: states }).from(sensors).leftJoin(states, eq(states.sensorId, sensors.id)).$dynamic();
    const labelled = leadingLabel === undefined ? all : all.innerJoin(sensorLabels, isLabelled(leadingLabel));
    const rows = labelled
      .where(and(...conditions, gt(ordered, after)))
      .orderBy(asc(ordered))
      .limit(limit + 1)
      .all();
    return toPage(rows, {
      limit,
      list: LIST,
      key: (row) => [row.sensor.id],
      item: ({ sensor, state }) => ({ sensor: sensorOf(sensor), state: currentState(state === null ? null : stateOf(state), sensor.life) }),
    });
  };
}

/** Where the order comes from. A state is looked for by its own index; `pending` is the lack of one, and found among the sensors. */
function leadOf({ status, severity, availability }: SensorQuery) {
  const byState = status !== undefined || severity !== undefined || (availability !== undefined && availability !== "pending");
  return byState ? states.sensorId : sensors.id;
}

/** A state that was written in an earlier life says nothing of the present one. */
function stateConditions({ status, severity, availability }: SensorQuery): SQL[] {
  const conditions: SQL[] = [];
  if (status !== undefined) conditions.push(eq(states.status, status));
  if (severity !== undefined) conditions.push(eq(states.severity, severity));
  if (availability === "pending") {
    conditions.push(or(isNull(states.availability), sql`${states.life} <> ${sensors.life}`, eq(states.availability, "pending")) as SQL);
  } else if (availability !== undefined) {
    conditions.push(eq(states.availability, availability));
  }
  const ofThisLife = status !== undefined || severity !== undefined || (availability !== undefined && availability !== "pending");
  return ofThisLife ? [...conditions, eq(states.life, sensors.life)] : conditions;
}

function isLabelled([key, value]: [string, string]): SQL {
  const { sensorId, labelKey, labelValue } = sensorLabels;
  return and(eq(sensorId, sensors.id), eq(labelKey, key), eq(labelValue, value)) as SQL;
}

function hasLabel(key: string, value: string): SQL {
  return sql`exists (select 1 from ${sensorLabels} l where l.label_key = ${key} and l.label_value = ${value} and l.sensor_id = ${sensors.id})`;
}
