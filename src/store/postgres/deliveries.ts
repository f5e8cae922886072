import type { WebhookState } from "../../domain/webhook";
import type { DeliveryStore, DueDelivery, NextDue } from "../store";
import { readLoggedChange } from "./changeLog";
import { NOW_MS } from "./clock";
import { prepareCoalesceDue } from "./coalesce";
import type { Connection } from "./connection";
import { openDeliveryRecords } from "./deliveryRecords";
import { DUE_DELIVERY, IS_OPEN, lockLanes, makeHeadsDueUnder, promoteEmptyLanes } from "./lanes";
import { readOperationalEvent } from "./operationalEvents";
import { prepareSettle } from "./settle";
import { statement } from "./statement";
import { findWebhook, findWebhooks } from "./webhooks";

/** One step from a webhook to the next in the index of heads: what it costs does not grow with what is owed. */
const nextDue = statement<NextDue>(
  "deliveries.nextDue",
  `with recursive step as (
     (select webhook_id, next_attempt_at from deliveries where partition = $1 and next_attempt_at is not null
      order by webhook_id, next_attempt_at limit 1)
     union all
     select n.webhook_id, n.next_attempt_at from step s cross join lateral (
       select d.webhook_id, d.next_attempt_at from deliveries d
       where d.partition = $1 and d.webhook_id > s.webhook_id and d.next_attempt_at is not null
       order by d.webhook_id, d.next_attempt_at limit 1) n)
   select s.webhook_id as "webhookId", s.next_attempt_at as "nextAttemptAt", l.next_attempt_at as "lastAttemptAt", w.id is null as deleted
   from step s cross join lateral (
     select d.next_attempt_at from deliveries d
     where d.partition = $1 and d.webhook_id = s.webhook_id and d.next_attempt_at is not null order by d.next_attempt_at desc limit 1) l
   left join webhooks w on w.id = s.webhook_id where ${IS_OPEN} order by s.webhook_id`,
);

const dueHeads = statement<DueDelivery>(
  "deliveries.due",
  `select ${DUE_DELIVERY} from deliveries d
   where d.partition = $1 and d.webhook_id = $2 and d.next_attempt_at <= $3
     and exists (select from (select $2::text as id) o left join webhooks w on w.id = o.id where ${IS_OPEN})
   order by d.next_attempt_at, d.ordinal limit $4`,
);

const expiredHeads = statement<DueDelivery>(
  "deliveries.expired",
  `select ${DUE_DELIVERY} from deliveries d
   where d.partition = $1 and d.owed_since < $2 and d.next_attempt_at is not null order by d.owed_since, d.ordinal limit $3`,
);

const lastOwed = statement<{ partition: number }>(
  "deliveries.lastOwed",
  "select partition from deliveries where webhook_id = $1 and state = 'pending' order by partition desc limit 1",
);

/**
 * From the end of each lane; `sensorId`: the lane that the limit may have cut. What is left of it begins with its head, but for what was
 * sent again from before that.
 */
const failLast = statement<{ failed: number; sensorId: string | null }>(
  "deliveries.failLast",
  `with failed as (
     update deliveries set state = 'failed', reason = $3, next_attempt_at = null, ended_at = ${NOW_MS} where ordinal in (
       select ordinal from deliveries where webhook_id = $1 and partition = $2 and state = 'pending'
       order by sensor_id desc, number desc limit $4)
     returning sensor_id)
   select count(*)::int as failed, min(sensor_id) as "sensorId" from failed`,
);

/** No edit of the webhook goes in until the end of the transaction. */
const stateOfWebhook = statement<{ state: WebhookState }>("deliveries.webhookState", "select state from webhooks where id = $1 for share");

export function openDeliveries(connection: Connection): DeliveryStore {
  const { db, work, write } = connection;

  async function failOwed(webhookId: string, reason: string, limit: number): Promise<number> {
    for (let failed = 0; ;) {
      const [last] = await lastOwed(work, webhookId);
      if (last === undefined || failed === limit) return failed;
      const slice = await write(async ({ client }) => {
        await lockLanes(client, last.partition);
        // Looked at only now: an edit on another node may have made it active again while we waited.
        const [webhook] = await stateOfWebhook(client, webhookId);
        if (webhook !== undefined && webhook.state !== "disabled") return null;
        const [row] = await failLast(client, webhookId, last.partition, reason, limit - failed);
        if (row == null || row.sensorId === null) return 0;
        const rest = { webhookId, sensorId: row.sensorId, nextAttemptAt: Date.now(), laneFailures: 0 };
        await promoteEmptyLanes(client, last.partition, [rest]);
        return row.failed;
      });
      if (slice === null) return failed;
      failed += slice;
    }
  }

  return {
    nextDue: (partition) => nextDue(work, partition),

    dueHeads: (partition, webhookId, now, limit) => dueHeads(work, partition, webhookId, now, limit),

    webhookById: (id) => findWebhook(db, id),

    webhooksById: (ids) => findWebhooks(db, ids),

    loggedChange: (partition, number) => readLoggedChange(work, partition, number),

    settle: prepareSettle(connection),

    coalesceDue: prepareCoalesceDue(connection),

    operationalEvent: (number) => readOperationalEvent(work, number),

    wakeWebhook: (lease, webhookId, now) => makeHeadsDueUnder(lease, connection, { webhookId, now }),

    failOwed,

    expiredHeads: (partition, plannedBefore, limit) => expiredHeads(work, partition, plannedBefore, limit),

    ...openDeliveryRecords(connection),
  };
}
