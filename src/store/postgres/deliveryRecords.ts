import type { ClientBase } from "pg";
import { changeId } from "../../domain/change";
import { DELIVERY_STATES, type DeliveryState } from "../../domain/delivery";
import { Fault } from "../../domain/fault";
import type { WebhookState } from "../../domain/webhook";
import { decodeCursor, toPage } from "../cursor";
import type { AttemptRow, DeliveryQuery, DeliveryRecord, DeliveryStore } from "../store";
import type { Connection } from "./connection";
import { lockLanes } from "./lanes";
import { statement, Values } from "./statement";

const LIST = "deliveries";

interface DeliveryRow {
  readonly ordinal: number;
  readonly id: string;
  readonly webhookId: string;
  readonly sensorId: string;
  readonly partition: number;
  readonly number: number;
  readonly revision: number;
  readonly state: DeliveryState;
  readonly reason: string | null;
  readonly plannedAt: number;
  readonly nextAttemptAt: number | null;
}

/** The columns of a {@link DeliveryRow}, of `deliveries` as `d`. */
const DELIVERY = `d.ordinal, d.id, d.webhook_id as "webhookId", d.sensor_id as "sensorId", d.partition, d.number, d.revision, d.state,
  d.reason, d.planned_at as "plannedAt", d.next_attempt_at as "nextAttemptAt"`;

const byId = statement<DeliveryRow>("deliveries.byId", `select ${DELIVERY} from deliveries d where d.id = $1`);

const attemptsOf = statement<AttemptRow & { deliveryId: string }>(
  "deliveries.attempts",
  `select a.delivery_id as "deliveryId", a.at, a.duration_ms as "durationMs", a.status_code as "statusCode", a.error, a.response
   from unnest($1::text[]) u (id)
   cross join lateral (select * from attempts a where a.delivery_id = u.id order by a.number offset 0) a`,
);

/** An edit that disables or deletes it waits until this transaction has ended, and what is owed is ended after that. */
const webhookState = statement<{ state: WebhookState }>("deliveries.webhookState", "select state from webhooks where id = $1 for share");

const repeat = statement<DeliveryRow>(
  "deliveries.repeat",
  `update deliveries d set next_attempt_at = $2::bigint, state = 'pending', reason = null, ended_at = null,
     owed_since = case d.state when 'pending' then d.owed_since else $2::bigint end,
     lane_failures = case d.state when 'pending' then d.lane_failures else 0 end,
     rejections = case d.state when 'pending' then d.rejections else 0 end
   where d.id = $1 returning ${DELIVERY}`,
);

/** What people see of deliveries, and the one thing that they may do to them. */
export function openDeliveryRecords({ read, write }: Connection): Pick<DeliveryStore, "listDeliveries" | "getDelivery" | "retryDelivery"> {
  return {
    listDeliveries: (query, { limit, cursor }) =>
      read(async ({ client }) => {
        const before = decodeCursor<[number]>(cursor, LIST, ["number"])?.[0] ?? Number.MAX_SAFE_INTEGER;
        const { items, nextCursor } = toPage(await search(client, query, { before, limit: limit + 1 }), {
          limit,
          list: LIST,
          key: (row) => [row.ordinal],
          item: (row) => row,
        });
        return { items: await recordsOf(client, items), nextCursor };
      }),

    getDelivery: (id) =>
      read(async ({ client }) => {
        const [record] = await recordsOf(client, await byId(client, id));
        return record ?? null;
      }),

    retryDelivery: (id, now) =>
      write(async ({ client }) => {
        await checkRepeatable(client, id);
        const [record] = await recordsOf(client, await repeat(client, id, now));
        if (record === undefined) throw noDelivery(id);
        return record;
      }),
  };
}

/** Locks the delivery's lane. Throws notFound; conflict. */
async function checkRepeatable(client: ClientBase, id: string): Promise<void> {
  const [known] = await byId(client, id);
  if (known !== undefined) await lockLanes(client, known.partition);
  const [row] = await byId(client, id);
  if (row === undefined) throw noDelivery(id);
  const [webhook] = await webhookState(client, row.webhookId);
  if (webhook === undefined) throw new Fault("conflict", `Webhook ${row.webhookId} is gone: there is nowhere to send delivery ${id}.`);
  if (webhook.state === "disabled") throw new Fault("conflict", `Webhook ${row.webhookId} is disabled: enable it first.`);
  if (row.state === "pending" && row.nextAttemptAt === null) {
    throw new Fault("conflict", `Delivery ${id} waits behind an earlier change of sensor ${row.sensorId}: retry that one.`);
  }
}

function noDelivery(id: string): Fault {
  return new Fault("notFound", `There is no delivery ${id}.`);
}

async function recordsOf(client: ClientBase, rows: readonly DeliveryRow[]): Promise<DeliveryRecord[]> {
  const found =
    rows.length === 0
      ? []
      : await attemptsOf(
          client,
          rows.map(({ id }) => id),
        );
  const attempts = Map.groupBy(found, ({ deliveryId }) => deliveryId);
  return rows.map(({ ordinal: _, number, ...row }) => {
    const made = (attempts.get(row.id) ?? []).map(({ deliveryId: _, ...attempt }) => attempt);
    return { ...row, changeId: changeId(row.partition, number), attempts: made };
  });
}

interface Newest {
  /** An ordinal that all of them are below. */
  readonly before: number;
  readonly limit: number;
}

/**
 * The newest first. Postgres would rather go through all deliveries from the newest on, in the hope of soon finding enough: but an index
 * whose order begins with another column is asked for by comparing, and ordering by, that column too.
 */
async function search(client: ClientBase, { webhookId, sensorId, state }: DeliveryQuery, newest: Newest): Promise<DeliveryRow[]> {
  const values = new Values();
  const before = values.add(newest.before);
  const limit = values.add(newest.limit);
  const newestOf = (lead: string, value: string, ...conditions: string[]) =>
    `select ${DELIVERY} from deliveries d where ${[`(${lead}, d.ordinal) < (${value}, ${before})`, `${lead} >= ${value}`, ...conditions].join(" and ")}
     order by ${lead} desc, d.ordinal desc limit ${limit}`;

  async function found(text: string): Promise<DeliveryRow[]> {
    return (await client.query<DeliveryRow>(text, values.all)).rows;
  }

  if (sensorId !== undefined) {
    const conditions: string[] = [];
    // A sensor's own are few. The concatenation keeps Postgres from the longer index of the webhook, which may lead through millions.
    if (webhookId !== undefined) conditions.push(`d.webhook_id || '' = ${values.add(webhookId)}`);
    if (state !== undefined) conditions.push(`d.state || '' = ${values.add(state)}`);
    return found(newestOf("d.sensor_id", `${values.add(sensorId)}::text`, ...conditions));
  }
  const ofWebhook = webhookId === undefined ? [] : [`d.webhook_id = ${values.add(webhookId)}`];
  if (state !== undefined) return found(newestOf("d.state", `${values.add(state)}::text`, ...ofWebhook));
  const end = `order by d.ordinal desc limit ${limit}`;
  if (webhookId === undefined) return found(`select ${DELIVERY} from deliveries d where d.ordinal < ${before} ${end}`);
  // The index is ordered within each state: the newest of all are among the newest of each.
  const states = `unnest(${values.add(DELIVERY_STATES)}::text[]) s (state)`;
  return found(`select d.* from ${states} cross join lateral (${newestOf("d.state", "s.state", ...ofWebhook)}) d ${end}`);
}
