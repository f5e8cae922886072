import type { ClientBase } from "pg";
import { DELIVERY_STATES } from "../../domain/delivery";
import type { DeliveryRow } from "../deliveryRows";
import { ALL_ORDINALS, type Ordinals, ordinalsWithin, type Planned } from "../plannedSearch";
import { keptDelivery } from "../erasureStore";
import type { DeliveryQuery, TimeRange } from "../store";
import { statement, Values } from "./statement";

/** The columns of a {@link DeliveryRow}, of `deliveries` as `d`. */
export const DELIVERY = `d.ordinal, d.id, d.webhook_id as "webhookId", d.sensor_id as "sensorId", d.partition, d.number, d.revision, d.state,
  d.reason, d.planned_at as "plannedAt", d.next_attempt_at as "nextAttemptAt"`;

const newest = statement<{ ordinal: number }>(
  "deliveries.newest",
  "select ordinal from deliveries where ordinal > 0 order by ordinal desc limit 1",
);
const firstFrom = statement<Planned>(
  "deliveries.firstFrom",
  `select ordinal, planned_at as "plannedAt" from deliveries where ordinal >= $1 order by ordinal limit 1`,
);

/** The greatest ordinal that there is; 0 for none. */
export async function newestOrdinal(client: ClientBase): Promise<number> {
  return (await newest(client))[0]?.ordinal ?? 0;
}

/** Between which ordinals everything lies that was planned in a range. */
export async function ordinalsOf(client: ClientBase, range: TimeRange): Promise<Ordinals> {
  if (range.since === undefined && range.until === undefined) return ALL_ORDINALS;
  const search = ordinalsWithin(range, await newestOrdinal(client));
  let step = search.next();
  while (step.done !== true) step = search.next((await firstFrom(client, step.value))[0]);
  return step.value;
}

export const IS_KEPT = keptDelivery("d");

/**
 * The newest between two ordinals first. Postgres would rather go through all deliveries from the newest on, in the hope of soon finding
 * enough: but an index whose order begins with another column is asked for by comparing, and ordering by, that column too.
 */
export async function searchDeliveries(
  client: ClientBase,
  { webhookId, sensorId, states, range }: DeliveryQuery,
  { after, before, limit }: Ordinals & { limit: number },
): Promise<DeliveryRow[]> {
  const values = new Values();
  const [above, below, most] = [values.add(after), values.add(before), values.add(limit)];
  const planned = [...rangeOf(values, range), IS_KEPT];
  const newestOf = (lead: string, value: string, ...conditions: string[]) => {
    const between = [`(${lead}, d.ordinal) < (${value}, ${below})`, `(${lead}, d.ordinal) > (${value}, ${above})`];
    return `select ${DELIVERY} from deliveries d where ${[...between, ...conditions, ...planned].join(" and ")}
     order by ${lead} desc, d.ordinal desc limit ${most}`;
  };
  const found = async (text: string) => (await client.query<DeliveryRow>(text, values.all)).rows;
  const end = `order by d.ordinal desc limit ${most}`;

  if (sensorId !== undefined) {
    const conditions: string[] = [];
    // A sensor's own are few. The concatenation keeps Postgres from the longer index of the webhook, which may lead through millions.
    if (webhookId !== undefined) conditions.push(`d.webhook_id || '' = ${values.add(webhookId)}`);
    if (states !== undefined) conditions.push(`d.state || '' = any(${values.add(states)}::text[])`);
    return found(newestOf("d.sensor_id", `${values.add(sensorId)}::text`, ...conditions));
  }
  if (webhookId === undefined && states === undefined) {
    const conditions = [`d.ordinal < ${below}`, `d.ordinal > ${above}`, ...planned].join(" and ");
    return found(`select ${DELIVERY} from deliveries d where ${conditions} ${end}`);
  }
  const ofWebhook = webhookId === undefined ? [] : [`d.webhook_id = ${values.add(webhookId)}`];
  if (states?.length === 1) return found(newestOf("d.state", `${values.add(states[0])}::text`, ...ofWebhook));
  // The index is ordered within each state: the newest of all are among the newest of each.
  const each = `unnest(${values.add(states ?? DELIVERY_STATES)}::text[]) s (state)`;
  return found(`select d.* from ${each} cross join lateral (${newestOf("d.state", "s.state", ...ofWebhook)}) d ${end}`);
}

function rangeOf(values: Values, { since, until }: TimeRange = {}): string[] {
  const conditions: string[] = [];
  if (since !== undefined) conditions.push(`d.planned_at >= ${values.add(since)}`);
  if (until !== undefined) conditions.push(`d.planned_at < ${values.add(until)}`);
  return conditions;
}
