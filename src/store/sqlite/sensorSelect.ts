import { choicesOf, type Lead, type StateColumn } from "../sensorLeads";
import { wantedText } from "../searchText";
import { SENSOR_AND_STATE } from "../sensorRows";
import type { SensorPaths } from "../sensorSlices";
import type { SensorAndState, SensorQuery } from "../store";
import type { Connection } from "./connection";
import {
  all,
  type Bounds,
  entriesOf,
  isOneOf,
  leadsBeside,
  lookUpOf,
  type OneLead,
  type OnePath,
  type Part,
  partsOf,
} from "./sensorEntries";
import { type SensorAndStateText, sensorAndStateOfText } from "./sensorRows";

/** How far an index is looked into, to see how much of it lies beside so many entries of another. */
const SAMPLED = 500;
/** Up to so many entries cost less, read in step, than one look-up. */
const ENTRIES_FOR_A_LOOK_UP = 4;

interface Reading<Along = OnePath> extends Bounds {
  readonly path: Along;
  readonly limit: number;
}

export function prepareSelect({ client, read }: Connection): SensorPaths["select"] {
  function along(query: SensorQuery, reading: Reading): SensorAndState[] {
    const beside = leadsBeside(query, reading.path);
    const near = beside.filter((lead) => isNear(query, lead, reading));
    const { text, values } = statementOf(query, reading, { near, far: beside.filter((lead) => !near.includes(lead)) });
    return client
      .prepare<unknown[], SensorAndStateText>(text)
      .all(...values)
      .map(sensorAndStateOfText);
  }

  /** Whether a lead has at most a few entries for each of the path's: such are read in step with it. */
  function isNear(query: SensorQuery, lead: Lead, { path, begins, to }: Reading): boolean {
    if (path === null || path.by === "text" || to === null) return false;
    const sample = entriesOf(query, path, { begins, to });
    const [end] = firstOf(`${sample.text} order by sensor_id limit 1 offset ${SAMPLED}`, sample.values);
    if (end === undefined) return false;
    const most = SAMPLED * ENTRIES_FOR_A_LOOK_UP;
    const entries = all(
      partsOf(lead).map((part) => entriesOf({}, part, { begins, to: end as string })),
      " union all ",
    );
    const [count] = firstOf(`select count(*) from (${entries.text} limit ${most})`, entries.values);
    return (count as number) < most;
  }

  function firstOf(text: string, values: readonly unknown[]): unknown[] {
    return client
      .prepare<unknown[]>(text)
      .pluck()
      .all(...values);
  }

  return (query, { path, ...bounds }, limit) => {
    const parts: OnePath[] = path === null || path.by === "text" ? [path] : partsOf(path);
    if (parts.length === 1) return along(query, { ...bounds, path: parts[0] as OnePath, limit });
    // On one snapshot: one that goes from part to part is in one of them.
    const found = read(() => parts.flatMap((part) => along(query, { ...bounds, path: part, limit })));
    return found.toSorted((a, b) => (a.sensor.id < b.sensor.id ? -1 : 1)).slice(0, limit);
  };
}

/**
 * What is read, in this order (that is what `cross join` says): the path, with other indexes that are read in step; those that each id is
 * looked up in, so that what they keep out costs no row; then the sensors.
 */
function statementOf(
  query: SensorQuery,
  reading: Reading,
  beside: { readonly near: readonly Lead[]; readonly far: readonly Lead[] },
): Part {
  const { path, begins, to, limit } = reading;
  const conditions = conditionsOf(query);
  let from: Part = { text: "sensors s", values: [] };
  let order = "order by s.id";
  if (path === null) {
    conditions.unshift({ text: "s.id >= ?", values: [begins] }, ...(to === null ? [] : [{ text: "s.id <= ?", values: [to] }]));
  } else if (path.by === "text") {
    // They are read as they come, which is in their order.
    order = "";
    const ids = { text: "json_each(?) l", values: [JSON.stringify(path.ids)] };
    from = withSensors(ids, beside.far, "l.value");
  } else {
    order = "order by l.sensor_id";
    const entries = stepwise(query, { ...reading, path }, beside.near);
    from = withSensors({ text: `(${entries.text}) l`, values: entries.values }, beside.far, "l.sensor_id");
  }
  const where = all(conditions, " and ");
  const text = `select ${SENSOR_AND_STATE} from ${from.text} left join states t on t.sensor_id = s.id where ${where.text} ${order} limit ?`;
  return { text, values: [...from.values, ...where.values, limit] };
}

function withSensors(first: Part, lookedUp: readonly Lead[], id: string): Part {
  const lookUps = lookedUp.map((lead, index) => lookUpOf(lead, `x${index}`, id));
  return all([first, ...lookUps, { text: `sensors s on s.id = ${id}`, values: [] }], " cross join ");
}

/** SQLite reads both sides of an `intersect` in their order, entry by entry. */
function stepwise(query: SensorQuery, { path, ...bounds }: Reading<OneLead>, near: readonly Lead[]): Part {
  const others = near.map((lead) => {
    const parts = partsOf(lead).map((part) => entriesOf({}, part, bounds));
    const { text, values } = all(parts, " union all ");
    return { text: parts.length === 1 ? text : `select sensor_id from (${text})`, values };
  });
  return all([entriesOf(query, path, bounds), ...others], " intersect ");
}

/** What must hold of the rows, whatever an index told before: it does not know of earlier lives. */
function conditionsOf({ q, ...query }: SensorQuery): Part[] {
  const [status, severity, availability] = [choicesOf(query.status), choicesOf(query.severity), choicesOf(query.availability)];
  const conditions: Part[] = [{ text: "s.deleted_at is null", values: [] }];
  const isInState = (column: StateColumn, choices: readonly string[]) => {
    const { text, values } = isOneOf(`+t.${column}`, choices);
    return { text: `t.life = s.life and ${text}`, values };
  };
  if (status !== undefined) conditions.push(isInState("status", status));
  if (severity !== undefined) conditions.push(isInState("severity", severity));
  if (availability?.includes("pending")) {
    const { text, values } = isInState("availability", availability);
    conditions.push({ text: `(t.availability is null or t.life <> s.life or ${text})`, values });
  } else if (availability !== undefined) {
    conditions.push(isInState("availability", availability));
  }
  const text = wantedText(q);
  if (text !== null) conditions.push({ text: "instr(s.search_text, ?) > 0", values: [text] });
  return conditions;
}
