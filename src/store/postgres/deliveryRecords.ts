import type { ClientBase } from "pg";
import { EVENTS_LANE } from "../../domain/delivery";
import type { WebhookState } from "../../domain/webhook";
import { decodeCursor, toPage } from "../cursor";
import { type DeliveryRow, demandRepeatable, noDelivery, recordOf } from "../deliveryRows";
import { ATTEMPTS_SHOWN_MAX, type AttemptRow, type DeliveryRecord, type DeliveryStore } from "../store";
import { readLoggedChange } from "./changeLog";
import type { Connection } from "./connection";
import { DELIVERY, IS_KEPT, ordinalsOf, searchDeliveries } from "./deliverySearch";
import { lockLanes } from "./lanes";
import { readOperationalEvent } from "./operationalEvents";
import { statement } from "./statement";

const LIST = "deliveries";

const byId = statement<DeliveryRow>("deliveries.byId", `select ${DELIVERY} from deliveries d where d.id = $1 and ${IS_KEPT}`);

const attemptsOf = statement<AttemptRow & { deliveryId: string }>(
  "deliveries.attempts",
  `select a.delivery_id as "deliveryId", a.at, a.duration_ms as "durationMs", a.status_code as "statusCode", a.error, a.response
   from unnest($1::text[]) u (id)
   cross join lateral (select * from attempts a where a.delivery_id = u.id order by a.number desc limit ${ATTEMPTS_SHOWN_MAX}) a
   order by a.delivery_id, a.number`,
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
        const reached = decodeCursor<[number]>(cursor, LIST, ["number"])?.[0] ?? Number.MAX_SAFE_INTEGER;
        const { after, before } = await ordinalsOf(client, query.range ?? {});
        const rows = await searchDeliveries(client, query, { after, before: Math.min(before, reached), limit: limit + 1 });
        const { items, nextCursor } = toPage(rows, { limit, list: LIST, key: (row) => [row.ordinal], item: (row) => row });
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
  demandRepeatable(row, { webhook: webhook?.state ?? null, isKept: await isKept(client, row) });
}

/** Whether there is something left to send. */
async function isKept(client: ClientBase, { sensorId, partition, number }: DeliveryRow): Promise<boolean> {
  const kept = sensorId === EVENTS_LANE ? await readOperationalEvent(client, number) : await readLoggedChange(client, partition, number);
  return kept !== null;
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
  return rows.map((row) =>
    recordOf(
      row,
      (attempts.get(row.id) ?? []).map(({ deliveryId: _, ...attempt }) => attempt),
    ),
  );
}
