import { COUNTED_MAX, type Lead, leadsOf } from "../sensorLeads";
import type { SensorQuery } from "../store";
import type { Connection } from "./connection";
import { Values } from "./statement";

/** Selections of the ids that a lead lets through: one for each part of an index that gives them in their order. */
function partsAlong(lead: Lead | null, values: Values): string[] {
  if (lead === null) return ["select id from sensors"];
  if (lead.by === "id") return [`select id from sensors where id = ${values.add(lead.value)}`];
  if (lead.by !== "label") return lead.values.map((value) => `select sensor_id as id from states where ${lead.by} = ${values.add(value)}`);
  return [
    `select sensor_id as id from sensor_labels where label_key = ${values.add(lead.key)} and label_value = ${values.add(lead.value)}`,
  ];
}

/** The same as a part of a statement. */
export function idsAlong(lead: Lead | null, values: Values): string {
  const parts = partsAlong(lead, values);
  return parts.length === 1 ? (parts[0] as string) : parts.map((part) => `(${part})`).join(" union all ");
}

/**
 * Chooses the filter that lets the fewest sensors through. Left to itself Postgres goes by what it last saw of the values, and may look
 * for the one that is overheated among all that are online.
 */
export async function chooseLead({ work }: Connection, query: SensorQuery): Promise<Lead | null> {
  const leads = leadsOf(query);
  if (leads.length < 2) return leads[0] ?? null;
  const values = new Values();
  const counted = leads.map((lead) => `(select count(*)::int from (${idsAlong(lead, values)} limit ${COUNTED_MAX}) c)`);
  const { rows } = await work.query<{ counts: number[] }>(`select array[${counted.join(", ")}] as counts`, values.all);
  const counts = rows[0]?.counts ?? [];
  return leads[counts.indexOf(Math.min(...counts))] ?? null;
}

/** The id that lies `steps` sensors further along a lead's index than `after`, null when there are not so many. */
export async function stepAlong(
  { work }: Connection,
  lead: Lead | null,
  { after, steps }: { after: string; steps: number },
): Promise<string | null> {
  const values = new Values();
  const [from, most] = [values.add(after), values.add(steps)];
  // Of several parts of an index those are read that can be among the first: left to itself Postgres may read and sort all of them.
  const parts = partsAlong(lead, values).map((part) => `(select id from (${part}) p where id > ${from} order by id limit ${most})`);
  const text = `select id from (${parts.join(" union all ")}) l order by id offset ${most}::bigint - 1 limit 1`;
  const { rows } = await work.query<{ id: string }>(text, values.all);
  return rows[0]?.id ?? null;
}
