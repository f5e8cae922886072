import { and, eq } from "drizzle-orm";
import { EVENTS_LANE } from "../../domain/delivery";
import { type DeliveryRow, demandRepeatable, noDelivery, recordOf } from "../deliveryRows";
import { ATTEMPTS_SHOWN_MAX, type AttemptRow, type DeliveryRecord, type DeliveryStore } from "../store";
import { prepareLoggedChange } from "./changeLog";
import type { Connection } from "./connection";
import { decodeCursor, toPage } from "../cursor";
import { IS_KEPT, preparePlannedTimes, prepareSearch } from "./deliverySearch";
import type { Direct } from "./faults";
import { prepareReadOperationalEvent } from "./operationalEvents";
import { deliveries } from "./schema/webhooks";
import { prepareFindWebhook } from "./webhooks";

const LIST = "deliveries";

/** What people see of deliveries, and the one thing that they may do to them. */
export function openDeliveryRecords(
  connection: Connection,
): Pick<Direct<DeliveryStore>, "listDeliveries" | "getDelivery" | "retryDelivery"> {
  const { client, db, read, write } = connection;
  const times = preparePlannedTimes(connection);
  const search = prepareSearch(connection);
  const findWebhook = prepareFindWebhook(connection);
  const isKept = prepareIsKept(connection);
  const attemptsOf = client.prepare<[string], AttemptRow>(
    `select at, duration_ms as durationMs, status_code as statusCode, error, response from attempts where delivery_id = ?
     order by number desc limit ${ATTEMPTS_SHOWN_MAX}`,
  );

  const withAttempts = (row: DeliveryRow): DeliveryRecord => recordOf(row, attemptsOf.all(row.id).reverse());

  function find(id: string): DeliveryRow | null {
    return (
      db
        .select()
        .from(deliveries)
        .where(and(eq(deliveries.id, id), IS_KEPT))
        .get() ?? null
    );
  }

  return {
    listDeliveries: (query, { limit, cursor }) =>
      read(() => {
        const reached = decodeCursor<[number]>(cursor, LIST, ["number"])?.[0] ?? Number.MAX_SAFE_INTEGER;
        const { after, before } = times.ordinalsOf(query.range ?? {});
        const rows = search(query, { after, before: Math.min(before, reached), limit: limit + 1 });
        return toPage(rows, { limit, list: LIST, key: (row) => [row.ordinal], item: withAttempts });
      }),

    getDelivery: (id) =>
      read(() => {
        const row = find(id);
        return row === null ? null : withAttempts(row);
      }),

    retryDelivery: (id, now) =>
      write(() => {
        const row = find(id);
        if (row === null) throw noDelivery(id);
        demandRepeatable(row, { webhook: findWebhook(row.webhookId)?.state ?? null, isKept: isKept(row) });
        const anew = { state: "pending", reason: null, endedAt: null, owedSince: now, laneFailures: 0, rejections: 0 } as const;
        const repeat = { ...(row.state === "pending" ? {} : anew), nextAttemptAt: now };
        db.update(deliveries).set(repeat).where(eq(deliveries.id, id)).run();
        return withAttempts({ ...row, ...repeat });
      }),
  };
}

/** Whether what a delivery carries was not pruned: there is something left to send. */
export function prepareIsKept(connection: Connection): (carrying: Pick<DeliveryRow, "sensorId" | "partition" | "number">) => boolean {
  const readChange = prepareLoggedChange(connection);
  const readEvent = prepareReadOperationalEvent(connection);
  return ({ sensorId, partition, number }) => (sensorId === EVENTS_LANE ? readEvent(number) : readChange(partition, number)) !== null;
}
