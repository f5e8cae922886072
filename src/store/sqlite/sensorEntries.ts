/** Entries of the indexes that lists of sensors go along: ids in their order, without a row. */
import { type Lead, leadsOf, type Path, type StateColumn, statesAsked } from "../sensorLeads";
import type { SensorQuery } from "../store";

/** A part of a statement, with the values of its placeholders. */
export interface Part {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Up to `to`, null for all. */
export interface Bounds {
  readonly begins: string;
  readonly to: string | null;
}

type OneState = { readonly by: StateColumn; readonly value: string };
/** A lead that has one part of an index: each value of a state has its own. */
export type OneLead = Exclude<Lead, { readonly by: StateColumn }> | OneState;
/** A path along one part of an index. */
export type OnePath = Exclude<Path, Lead> | OneLead;

export function partsOf(lead: Lead): OneLead[] {
  return "values" in lead ? lead.values.map((value) => ({ by: lead.by, value })) : [lead];
}

/** `select sensor_id …` of what an index holds within the bounds, and of what else is asked for, as far as the same index tells of it. */
export function entriesOf(query: SensorQuery, lead: OneLead, { begins, to }: Bounds): Part {
  // Not `between`: in a selection of a selection SQLite would not take it for bounds.
  const within =
    to === null ? { text: "sensor_id >= ?", values: [begins] } : { text: "sensor_id >= ? and sensor_id <= ?", values: [begins, to] };
  const inIndex = toldBy(query, lead).map(([column, values]) => isOneOf(`+${column}`, values));
  return all([source(lead), within, ...inIndex], " and ");
}

function source(lead: OneLead): Part {
  if (lead.by === "id") return { text: "select id as sensor_id from sensors where id = ?", values: [lead.value] };
  if (lead.by === "label") {
    return { text: "select sensor_id from sensor_labels where label_key = ? and label_value = ?", values: [lead.key, lead.value] };
  }
  return { text: `select sensor_id from states indexed by states_by_${lead.by} where ${lead.by} = ?`, values: [lead.value] };
}

function toldBy(query: SensorQuery, { by }: { readonly by: string }): [StateColumn, readonly string[]][] {
  return by === "status" || by === "severity" ? statesOf(query).filter(([column]) => column !== by) : [];
}

function statesOf(query: SensorQuery): [StateColumn, readonly string[]][] {
  return Object.entries(statesAsked(query)) as [StateColumn, readonly string[]][];
}

/** The filters that neither a path is gone along by, nor its index tells of. */
export function leadsBeside({ id: _, ...query }: SensorQuery, path: OnePath): Lead[] {
  if (path === null) return [];
  const told = new Set(toldBy(query, path).map(([column]) => column as string));
  return leadsOf(query).filter((lead) => {
    if (lead.by === "label" && path.by === "label") return lead.key !== path.key;
    return lead.by !== path.by && !told.has(lead.by);
  });
}

/** Looks each id up in another index. A sensor has one state, and one value of a label, so none comes twice. */
export function lookUpOf(lead: Lead, alias: string, id: string): Part {
  const at = `${alias}.sensor_id = ${id}`;
  if (lead.by === "id") return { text: `sensors ${alias} on ${alias}.id = ${id}`, values: [] };
  if (lead.by === "label") {
    return {
      text: `sensor_labels ${alias} on ${at} and ${alias}.label_key = ? and ${alias}.label_value = ?`,
      values: [lead.key, lead.value],
    };
  }
  const value = isOneOf(`${alias}.${lead.by}`, lead.values);
  return { text: `states ${alias} indexed by states_by_${lead.by} on ${at} and ${value.text}`, values: value.values };
}

export function isOneOf(column: string, values: readonly string[]): Part {
  return { text: values.length === 1 ? `${column} = ?` : `${column} in (${values.map(() => "?").join(", ")})`, values };
}

export function all(parts: readonly Part[], between: string): Part {
  return { text: parts.map(({ text }) => text).join(between), values: parts.flatMap(({ values }) => values) };
}
