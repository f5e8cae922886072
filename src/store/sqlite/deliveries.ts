import { nextTurn } from "../../nextTurn";
import type { DeliveryStore, DueDelivery, Lease, NextDue } from "../store";
import { prepareLoggedChange } from "./changeLog";
import { prepareCoalesceDue } from "./coalesce";
import type { Connection } from "./connection";
import { openDeliveryRecords } from "./deliveryRecords";
import type { Direct } from "./faults";
import { DUE_DELIVERY, type Lane, prepareLanes } from "./lanes";
import { prepareReadOperationalEvent } from "./operationalEvents";
import { prepareFence } from "./partitions";
import { prepareSettle } from "./settle";
import { prepareFindWebhook } from "./webhooks";

/** Heads are woken so many at a time, so that nobody else waits while a long backlog is. */
const WOKEN_AT_ONCE_MAX = 2000;

export function openDeliveries(connection: Connection): Direct<DeliveryStore> {
  const { client, read, write } = connection;
  const held = prepareFence(connection);
  const lanes = prepareLanes(connection);
  const findWebhook = prepareFindWebhook(connection);
  const failOwed = prepareFailOwed(connection);
  const due = client.prepare<[number, string, number, number], DueDelivery>(
    `select ${DUE_DELIVERY} from deliveries where partition = ? and webhook_id = ? and next_attempt_at <= ?
     order by next_attempt_at, ordinal limit ?`,
  );
  const expired = client.prepare<[number, number, number], DueDelivery>(
    `select ${DUE_DELIVERY} from deliveries
     where partition = ? and owed_since < ? and next_attempt_at is not null order by owed_since limit ?`,
  );
  // Only what waits because it failed: what keeps its least time from the last delivery waits on.
  const wake = client.prepare<[number, number, string, number, number]>(
    `update deliveries set next_attempt_at = ? where ordinal in (
       select ordinal from deliveries where partition = ? and webhook_id = ? and next_attempt_at > ? and lane_failures > 0 limit ?)`,
  );

  async function wakeWebhook(lease: Lease, webhookId: string, now: number): Promise<number> {
    for (let woken = 0; ;) {
      const slice = write(() => (held(lease) === null ? 0 : wake.run(now, lease.partition, webhookId, now, WOKEN_AT_ONCE_MAX).changes));
      woken += slice;
      if (slice < WOKEN_AT_ONCE_MAX) return woken;
      await nextTurn();
    }
  }

  return {
    nextDue: prepareNextDue(connection),

    dueHeads: (partition, webhookId, now, limit) => (lanes.isOpen(webhookId) ? due.all(partition, webhookId, now, limit) : []),

    webhookById: findWebhook,

    webhooksById: (ids) => read(() => [...new Set(ids)].flatMap((id) => findWebhook(id) ?? [])),

    loggedChange: prepareLoggedChange(connection),

    settle: prepareSettle(connection),

    coalesceDue: prepareCoalesceDue(connection),

    operationalEvent: prepareReadOperationalEvent(connection),

    wakeWebhook,

    failOwed: (webhookId, reason, limit) => write(() => failOwed(webhookId, reason, limit)),

    expiredHeads: (partition, plannedBefore, limit) => expired.all(partition, plannedBefore, limit),

    ...openDeliveryRecords(connection),
  };
}

function prepareNextDue(connection: Connection): (partition: number) => NextDue[] {
  const { client, read } = connection;
  const lanes = prepareLanes(connection);
  // One step from a webhook to the next in the index of heads: what it costs does not grow with what is owed.
  const nextWebhook = client.prepare<[number, string], Pick<NextDue, "webhookId" | "nextAttemptAt">>(
    `select webhook_id as webhookId, next_attempt_at as nextAttemptAt from deliveries
     where partition = ? and webhook_id > ? and next_attempt_at is not null order by webhook_id, next_attempt_at limit 1`,
  );
  const lastOfWebhook = client
    .prepare<[number, string], number>(
      `select next_attempt_at from deliveries where partition = ? and webhook_id = ? and next_attempt_at is not null
       order by next_attempt_at desc limit 1`,
    )
    .pluck();

  return (partition) =>
    read(() => {
      const found: NextDue[] = [];
      for (let next = nextWebhook.get(partition, ""); next !== undefined; next = nextWebhook.get(partition, next.webhookId)) {
        const { webhookId, nextAttemptAt } = next;
        if (!lanes.isOpen(webhookId)) continue;
        const lastAttemptAt = lastOfWebhook.get(partition, webhookId) ?? nextAttemptAt;
        found.push({ webhookId, nextAttemptAt, lastAttemptAt, deleted: lanes.isGone(webhookId) });
      }
      return found;
    });
}

/** For use within a transaction. */
function prepareFailOwed(connection: Connection): (webhookId: string, reason: string, limit: number) => number {
  const lanes = prepareLanes(connection);
  // From the end of each lane: where the limit cuts one, its head stays, but where it was sent again what came before.
  const failLast = connection.client.prepare<[string, number, string, string, number], Pick<Lane, "sensorId" | "partition">>(
    `update deliveries set state = 'failed', reason = ?, next_attempt_at = null, ended_at = ? where ordinal in (
       select ordinal from deliveries
       where state = 'pending' and webhook_id = ? and not exists (select 1 from webhooks where id = ? and state <> 'disabled')
       order by sensor_id desc, number desc limit ?) returning sensor_id as sensorId, partition`,
  );

  return (webhookId, reason, limit) => {
    const now = Date.now();
    const ended = failLast.all(reason, now, webhookId, webhookId, limit);
    const touched = new Map(ended.map((lane) => [`${lane.partition} ${lane.sensorId}`, { webhookId, ...lane }]));
    for (const lane of touched.values()) {
      if (!lanes.isLed(lane)) lanes.promote(lane, { nextAttemptAt: now, laneFailures: 0 });
    }
    return ended.length;
  };
}
