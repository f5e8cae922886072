import type { Lead, Stretch } from "../sensorLeads";
import type { Connection } from "./connection";

/** What lies ahead along an index: one entry after the other, and no row. */
type Ahead = (...values: readonly (string | number)[]) => Stretch;

/**
 * Gives what lies beyond `after` along a lead. Of several values each has its own part of the index: no part has more entries than
 * `steps` up to `to`.
 */
export function prepareStretch({ client }: Connection): (lead: Lead | null, after: string, steps: number) => Stretch {
  function ahead(rows: string, id: string): Ahead {
    const along = `from ${rows} ${id} > ? order by ${id}`;
    const first = client.prepare<(string | number)[], string>(`select ${id} ${along} limit 1`).pluck();
    const nth = client.prepare<(string | number)[], string>(`select ${id} ${along} limit 1 offset ? - 1`).pluck();
    const count = client.prepare<(string | number)[], number>(`select count(*) from (select 1 ${along} limit ?)`).pluck();
    return (...values) => {
      const to = nth.get(...values);
      if (to !== undefined) return { first: first.get(...values.slice(0, -1)) as string, to, count: values.at(-1) as number };
      return { first: first.get(...values.slice(0, -1)) ?? null, to: null, count: count.get(...values) as number };
    };
  }
  const all = ahead("sensors where", "id");
  const byId = ahead("sensors where id = ? and", "id");
  const byLabel = ahead("sensor_labels where label_key = ? and label_value = ? and", "sensor_id");
  const byState = {
    status: ahead("states where status = ? and", "sensor_id"),
    severity: ahead("states where severity = ? and", "sensor_id"),
    availability: ahead("states where availability = ? and", "sensor_id"),
  };

  return (lead, ...beyond) => {
    if (lead === null) return all(...beyond);
    if (lead.by === "id") return byId(lead.value, ...beyond);
    if (lead.by === "label") return byLabel(lead.key, lead.value, ...beyond);
    return lead.values.map((value) => byState[lead.by](value, ...beyond)).reduce(together);
  };
}

/** What lies ahead in two parts of an index, up to where both are known. */
function together(one: Stretch, other: Stretch): Stretch {
  return { first: least(one.first, other.first), to: least(one.to, other.to), count: one.count + other.count };
}

function least(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other;
  return one < other ? one : other;
}
