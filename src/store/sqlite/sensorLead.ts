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
    const found = lead.by === "label" ? withLabel.get(lead.key, lead.value) : inState[lead.by].get(lead.value);
    return found ?? 0;
  }

  return (query) => {
    const leads = leadsOf(query);
    if (leads.length < 2) return leads[0] ?? null;
    const counts = leads.map(count);
    return leads[counts.indexOf(Math.min(...counts))] ?? null;
  };
}

/** Gives the id that lies `steps` sensors further along a lead's index than `after`, null when there are not so many. */
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
    const found = lead.by === "label" ? withLabel.get(lead.key, lead.value, ...beyond) : inState[lead.by].get(lead.value, ...beyond);
    return found ?? null;
  };
}
