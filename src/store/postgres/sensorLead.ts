import type { SensorQuery } from "../store";
import type { Connection } from "./connection";
import { Values } from "./statement";

/** How far the sensors that a filter lets through are counted: beyond that one filter is as good as another. */
const COUNTED_MAX = 1000;

/** The filter whose index a list of sensors goes along; null where none has one, and the list goes along all sensors. */
export type Lead =
  | { readonly by: "label"; readonly key: string; readonly value: string }
  | { readonly by: "status" | "severity" | "availability"; readonly value: string }
  | null;

/** The ids that a lead lets through, as a part of a statement. */
export function idsAlong(lead: Lead, values: Values): string {
  if (lead === null) return "select id from sensors";
  if (lead.by !== "label") return `select sensor_id as id from states where ${lead.by} = ${values.add(lead.value)}`;
  return `select sensor_id as id from sensor_labels where label_key = ${values.add(lead.key)} and label_value = ${values.add(lead.value)}`;
}

/**
 * Chooses the filter that lets the fewest sensors through. Left to itself Postgres goes by what it last saw of the values, and may look
 * for the one that is overheated among all that are online.
 */
export async function chooseLead({ work }: Connection, query: SensorQuery): Promise<Lead> {
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
  lead: Lead,
  { after, steps }: { after: string; steps: number },
): Promise<string | null> {
  const values = new Values();
  const ids = idsAlong(lead, values);
  const text = `select id from (${ids}) l where id > ${values.add(after)} order by id offset ${values.add(steps - 1)} limit 1`;
  const { rows } = await work.query<{ id: string }>(text, values.all);
  return rows[0]?.id ?? null;
}

/** `pending` is the lack of a state, and no index knows of it. */
function leadsOf({ status, severity, availability, labels }: SensorQuery): Lead[] {
  const leads: Lead[] = [];
  if (status !== undefined) leads.push({ by: "status", value: status });
  if (severity !== undefined) leads.push({ by: "severity", value: severity });
  if (availability !== undefined && availability !== "pending") leads.push({ by: "availability", value: availability });
  for (const [key, value] of Object.entries(labels ?? {})) leads.push({ by: "label", key, value });
  return leads;
}
