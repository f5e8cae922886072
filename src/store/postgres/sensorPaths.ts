import { type Lead, type Path, type Slice, type StateColumn, statesAsked, type Stretch } from "../sensorLeads";
import type { SensorQuery } from "../store";
import type { Connection } from "./connection";
import { Values } from "./statement";

type Asked = readonly (readonly [column: StateColumn, values: readonly string[]])[];

/** Selections of the ids along a path, one for each part of an index that gives them in their order; of `asked` what that index tells. */
function partsAlong(path: Path, asked: Asked, values: Values): string[] {
  if (path === null) return ["select id from sensors"];
  if (path.by === "id") return [`select id from sensors where id = ${values.add(path.value)}`];
  // In the order of bytes, which is that of all ids: by itself it would be in that of the database.
  if (path.by === "text") return [`select u.id collate "C" as id from unnest(${values.add(path.ids)}::text[]) u (id)`];
  if (path.by === "label") return [`select sensor_id as id from sensor_labels where ${isLabel(path.key, path.value, values)}`];
  const others = asked.map(([column, choices]) => ` and ${isOneOf(column, choices, values)}`).join("");
  return path.values.map((value) => `select sensor_id as id from states where ${path.by} = ${values.add(value)}${others}`);
}

/**
 * A selection of a slice's ids that goes by indexes alone: it leaves out most of those that a label or a state keeps out, and no row of
 * theirs is read.
 */
export function idsOf(query: SensorQuery, { path, begins, to }: Slice, values: Values): string {
  const asked = Object.entries(statesAsked(query)) as [StateColumn, readonly string[]][];
  const others = asked.filter(([column]) => column !== path?.by);
  const inIndex = path?.by === "status" || path?.by === "severity" ? others : [];
  const parts = partsAlong(path, inIndex, values);
  const [from, until] = [values.add(begins), to === null ? null : values.add(to)];
  const within = (id: string) => `${id} >= ${from}${until === null ? "" : ` and ${id} <= ${until}`}`;
  const conditions = [within("a.id")];
  // The bounds, once more, let both sides be read side by side.
  const bounds = path?.by === "text" ? "" : ` and ${within("p.sensor_id")}`;
  const exists = (rows: string) => conditions.push(`exists (select 1 from ${rows} and p.sensor_id = a.id${bounds})`);
  if (path !== null && path.by !== "id" && others.length > inIndex.length) {
    exists(`states p where ${others.map(([column, choices]) => isOneOf(`p.${column}`, choices, values)).join(" and ")}`);
  }
  for (const [key, value] of Object.entries(query.labels ?? {})) {
    if (path?.by !== "label" || path.key !== key) exists(`sensor_labels p where ${isLabel(key, value, values)}`);
  }
  return `select a.id from (${joined(parts)}) a where ${conditions.join(" and ")} order by a.id`;
}

function isOneOf(column: string, choices: readonly string[], values: Values): string {
  return `${column} = any(${values.add(choices)}::text[])`;
}

function isLabel(key: string, value: string, values: Values): string {
  return `label_key = ${values.add(key)} and label_value = ${values.add(value)}`;
}

function joined(parts: readonly string[]): string {
  return parts.length === 1 ? (parts[0] as string) : parts.map((part) => `(${part})`).join(" union all ");
}

/** What lies beyond `after` along each lead: entries of its index, and no row. */
export async function stretchesAlong(
  { work }: Connection,
  leads: readonly (Lead | null)[],
  { after, steps }: { after: string; steps: number },
): Promise<Stretch[]> {
  const values = new Values();
  const [from, most] = [values.add(after), values.add(steps)];
  const texts = leads.map((lead) => {
    // Of several parts of an index those are read that can be among the first: left to itself Postgres may read and sort all of them.
    const parts = partsAlong(lead, [], values).map((part) => `select id from (${part}) p where id > ${from} order by id limit ${most}`);
    const ids = parts.length === 1 ? (parts[0] as string) : `select id from (${joined(parts)}) l order by id limit ${most}`;
    // `offset 0`: what `to` is costs as much as anything here, and would be asked twice.
    return `select f.first, f.to, case when f.to is null then (select count(*)::int from (${ids}) c) else ${most}::int end as count
      from (select (select id from (${ids}) i limit 1) as first, (select id from (${ids}) i offset ${most}::bigint - 1 limit 1) as to offset 0) f`;
  });
  const all = joined(texts.map((text, place) => `select ${place} as place, c.* from (${text}) c`));
  return (await work.query<Stretch>(`${all} order by place`, values.all)).rows.map(({ first, to, count }) => ({ first, to, count }));
}
