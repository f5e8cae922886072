import { COUNTED_MAX, type Lead, leadsOf } from "../sensorLeads";
import type { SensorQuery } from "../store";
import type { Connection } from "./connection";
import { Values } from "./statement";

/** The ids that a lead lets through, as a part of a statement. */
export function idsAlong(lead: Lead | null, values: Values): string {
  if (lead === null) return "select id from sensors";
  if (lead.by === "id") return `select id from sensors where id = ${values.add(lead.value)}`;
  if (lead.by === "label")
    return `select sensor_id as id from sensor_labels where label_key = ${values.add(lead.key)} and label_value = ${values.add(lead.value)}`;
  // Each part of the index is in the order of the ids, and Postgres merges them.
  return lead.values.map((value) => `(select sensor_id as id from states where ${lead.by} = ${values.add(value)})`).join(" union all ");
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
  const ids = idsAlong(lead, values);
  const text = `select id from (${ids}) l where id > ${values.add(after)} order by id offset ${values.add(steps - 1)} limit 1`;
  const { rows } = await work.query<{ id: string }>(text, values.all);
  return rows[0]?.id ?? null;
}
