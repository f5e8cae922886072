import { and, desc, eq, lt, type SQL, sql } from "drizzle-orm";
import { changeId } from "../../domain/change";
import { DELIVERY_STATES } from "../../domain/delivery";
import { Fault } from "../../domain/fault";
import type { AttemptRow, DeliveryQuery, DeliveryRecord, DeliveryStore } from "../store";
import type { Connection } from "./connection";
import { decodeCursor, toPage } from "../cursor";
import type { Direct } from "./faults";
import { deliveries } from "./schema/webhooks";
import { prepareFindWebhook } from "./webhooks";

const LIST = "deliveries";

type DeliveryFields = typeof deliveries.$inferSelect;

/** What people see of deliveries, and the one thing that they may do to them. */
export function openDeliveryRecords(
  connection: Connection,
): Pick<Direct<DeliveryStore>, "listDeliveries" | "getDelivery" | "retryDelivery"> {
  const { client, db, read, write } = connection;
  const search = prepareSearch(connection);
  const findWebhook = prepareFindWebhook(connection);
  const attemptsOf = client.prepare<[string], AttemptRow>(
    "select at, duration_ms as durationMs, status_code as statusCode, error, response from attempts where delivery_id = ? order by number",
  );

  function recordOf(row: DeliveryFields): DeliveryRecord {
    const { id, webhookId, sensorId, partition, revision, state, reason, plannedAt, nextAttemptAt } = row;
    const base = { id, webhookId, changeId: changeId(partition, row.number), sensorId, partition, revision, state, reason };
    return { ...base, plannedAt, nextAttemptAt, attempts: attemptsOf.all(id) };
  }

  function find(id: string): DeliveryFields | null {
    return db.select().from(deliveries).where(eq(deliveries.id, id)).get() ?? null;
  }

  return {
    listDeliveries: (query, { limit, cursor }) =>
      read(() => {
        const before = decodeCursor<[number]>(cursor, LIST, ["number"])?.[0] ?? Number.MAX_SAFE_INTEGER;
        return toPage(search(query, before, limit + 1), { limit, list: LIST, key: (row) => [row.ordinal], item: recordOf });
      }),

    getDelivery: (id) =>
      read(() => {
        const row = find(id);
        return row === null ? null : recordOf(row);
      }),

    retryDelivery: (id, now) =>
      write(() => {
        const row = find(id);
        if (row === null) throw new Fault("notFound", `There is no delivery ${id}.`);
        const webhook = findWebhook(row.webhookId);
        if (webhook === null) throw new Fault("conflict", `Webhook ${row.webhookId} is gone: there is nowhere to send delivery ${id}.`);
        if (webhook.state === "disabled") throw new Fault("conflict", `Webhook ${webhook.id} is disabled: enable it first.`);
        if (row.state === "pending" && row.nextAttemptAt === null) {
          throw new Fault("conflict", `Delivery ${id} waits behind an earlier change of sensor ${row.sensorId}: retry that one.`);
        }
        const anew = { state: "pending", reason: null, endedAt: null, owedSince: now, laneFailures: 0, rejections: 0 } as const;
        const repeat = { ...(row.state === "pending" ? {} : anew), nextAttemptAt: now };
        db.update(deliveries).set(repeat).where(eq(deliveries.id, id)).run();
        return recordOf({ ...row, ...repeat });
      }),
  };
}

/** The newest first, below an ordinal. */
function prepareSearch({ db }: Connection): (query: DeliveryQuery, before: number, limit: number) => DeliveryFields[] {
  function select(conditions: readonly (SQL | undefined)[], before: number, limit: number): DeliveryFields[] {
    const wanted = and(...conditions, lt(deliveries.ordinal, before));
    return db.select().from(deliveries).where(wanted).orderBy(desc(deliveries.ordinal)).limit(limit).all();
  }

  function search({ webhookId, sensorId, state }: DeliveryQuery, before: number, limit: number): DeliveryFields[] {
    if (sensorId !== undefined) {
      // A sensor's own are few. The plus keeps SQLite from the longer index of the webhook, which may lead through millions.
      const ofWebhook = webhookId === undefined ? undefined : sql`+${deliveries.webhookId} = ${webhookId}`;
      const inState = state === undefined ? undefined : sql`+${deliveries.state} = ${state}`;
      return select([eq(deliveries.sensorId, sensorId), ofWebhook, inState], before, limit);
    }
    if (webhookId !== undefined && state === undefined) {
      // The index is ordered within each state: the newest of all are among the newest of each.
      const ofEach = DELIVERY_STATES.flatMap((each) => search({ webhookId, state: each }, before, limit));
      return ofEach.sort((a, b) => b.ordinal - a.ordinal).slice(0, limit);
    }
    const ofWebhook = webhookId === undefined ? undefined : eq(deliveries.webhookId, webhookId);
    return select([ofWebhook, state === undefined ? undefined : eq(deliveries.state, state)], before, limit);
  }

  return search;
}
