import { COUNTED_MAX, type Lead, leadsOf } from "../sensorLeads";
import type { SensorQuery } from "../store";
import type { Connection } from "./connection";

/**
 * Chooses the filter that lets the fewest sensors through, null when none of them has an index. Left to itself SQLite knows nothing of
 * the values, and may look for the one that is overheated among all that are online.
 */
export function prepareLead({ client }: Connection): (query: SensorQuery) => Lead | null {
  function counted(rows: string) {
    return client.prepare<string[], number>(`select count(*) from (select 1 from ${rows} limit ${COUNTED_MAX})`).pluck();
  }
  const withLabel = counted("sensor_labels where label_key = ? and label_value = ?");
  const inState = {
    status: counted("states where status = ?"),
    severity: counted("states where severity = ?"),
    availability: counted("states where availability = ?"),
  };

  function count(lead: Lead): number {
    if (lead.by === "id") return 1;
    if (lead.by === "label") return withLabel.get(lead.key, lead.value) ?? 0;
    const ofState = inState[lead.by];
    return lead.values.reduce((sum, value) => sum + (ofState.get(value) ?? 0), 0);
  }

  return (query) => {
    const leads = leadsOf(query);
    if (leads.length < 2) return leads[0] ?? null;
    const counts = leads.map(count);
    return leads[counts.indexOf(Math.min(...counts))] ?? null;
  };
}

/**
 * Gives an id beyond `after` up to which no part of a lead's index holds more than `steps` sensors, null when no part has more. A lead of
 * one value has one part, and its id lies so many steps further.
 */
export function prepareSteps({ client }: Connection): (lead: Lead | null, after: string, steps: number) => string | null {
  function along(rows: string, id: string) {
    const further = client.prepare<(string | number)[], string>(`select ${id} from ${rows} ${id} > ? order by ${id} limit 1 offset ?`);
    return further.pluck();
  }
  const all = along("sensors where", "id");
  const withLabel = along("sensor_labels where label_key = ? and label_value = ? and", "sensor_id");
  const inState = {
    status: along("states where status = ? and", "sensor_id"),
    severity: along("states where severity = ? and", "sensor_id"),
    availability: along("states where availability = ? and", "sensor_id"),
  };

  return (lead, after, steps) => {
    const beyond = [after, steps - 1] as const;
    if (lead === null) return all.get(...beyond) ?? null;
    if (lead.by === "id") return null;
    if (lead.by === "label") return withLabel.get(lead.key, lead.value, ...beyond) ?? null;
    const ofState = inState[lead.by];
    const found = lead.values.map((value) => ofState.get(value, ...beyond)).filter((id) => id !== undefined);
    return found.toSorted()[0] ?? null;
  };
}
