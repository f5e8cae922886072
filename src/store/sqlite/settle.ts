import type { AttemptRow, DeliveryStore, DueDelivery, Settlement, SettleOutcome } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";
import { prepareLanes } from "./lanes";
import { prepareOperationalEvents } from "./operationalEvents";
import { prepareFence } from "./partitions";

/** One transaction under the fence: attempts, outcomes, and the next head of each lane whose head ended. */
export function prepareSettle(connection: Connection): Direct<DeliveryStore>["settle"] {
  const held = prepareFence(connection);
  const lanes = prepareLanes(connection);
  const writeAttempt = prepareAttempts(connection);
  const writeHealth = prepareHealth(connection);
  const writeVerdict = prepareVerdicts(connection);
  const { tellOfSettled } = prepareOperationalEvents(connection);
  const known = connection.client.prepare<[string, number, number]>(
    "select 1 from attempts where delivery_id = ? and at = ? and duration_ms = ?",
  );
  const isFresh = ({ delivery, attempt }: Settlement) =>
    attempt === null || known.get(delivery.id, attempt.at, attempt.durationMs) === undefined;
  const extend = connection.client.prepare<[number, number]>(
    "update partitions set lease_until = ? where role = 'notify' and partition = ?",
  );

  return (lease, leaseTtlMs, settlements): SettleOutcome =>
    connection.write(() => {
      if (held(lease) === null) return { held: false, heads: [] };
      const now = Date.now();
      extend.run(now + leaseTtlMs, lease.partition);
      const heads: DueDelivery[] = [];
      const failed: string[] = [];
      const fresh = settlements.filter(isFresh);
      for (const settlement of fresh) {
        const { delivery, attempt } = settlement;
        if (attempt !== null) writeAttempt(delivery.id, attempt);
        const next = writeVerdict(settlement, now);
        if (next !== null && settlement.verdict.kind === "failed") failed.push(delivery.id);
        const head = next === null ? null : lanes.promote(delivery, next);
        if (head !== null && head.nextAttemptAt <= now) heads.push(head);
      }
      heads.push(...tellOfSettled({ partition: lease.partition, now }, { settlements: fresh, failed }));
      writeHealth(fresh);
      return { held: true, heads: lanes.sendable(heads) };
    });
}

/** How the next of the lane begins. */
interface Succession {
  readonly nextAttemptAt: number;
  readonly laneFailures: number;
}

/** Writes what became of a delivery that is still pending; gives how the next of its lane begins, null when the lane does not move. */
function prepareVerdicts({ client }: Connection): (settlement: Settlement, now: number) => Succession | null {
  const pending = client.prepare<[string], { next_attempt_at: number | null; lane_failures: number }>(
    "select next_attempt_at, lane_failures from deliveries where id = ? and state = 'pending'",
  );
  const end = client.prepare<[string, string | null, number, string]>(
    "update deliveries set state = ?, reason = ?, next_attempt_at = null, ended_at = ? where id = ?",
  );
  const retry = client.prepare<[number, number, string]>(
    `update deliveries set next_attempt_at = ?, lane_failures = lane_failures + 1, rejections = rejections + ? where id = ?`,
  );

  return ({ delivery: { id }, attempt, verdict }, now) => {
    const before = pending.get(id);
    if (before === undefined) return null;
    switch (verdict.kind) {
      case "delivered":
        end.run("delivered", null, now, id);
        return { nextAttemptAt: now, laneFailures: 0 };
      case "retry":
        retry.run(verdict.nextAttemptAt, verdict.rejected ? 1 : 0, id);
        return null;
      case "failed": {
        end.run("failed", verdict.reason, now, id);
        const nextAttemptAt = verdict.nextAttemptAt ?? Math.max(now, before.next_attempt_at ?? now);
        return { nextAttemptAt, laneFailures: before.lane_failures + (attempt === null ? 0 : 1) };
      }
    }
  };
}

function prepareAttempts({ client }: Connection): (deliveryId: string, attempt: AttemptRow) => void {
  const insert = client.prepare<unknown[]>(
    `insert into attempts (delivery_id, number, at, duration_ms, status_code, error, response)
     values (?, (select coalesce(max(number), 0) + 1 from attempts where delivery_id = ?), ?, ?, ?, ?, ?)`,
  );
  return (deliveryId, { at, durationMs, statusCode, error, response }) => {
    insert.run(deliveryId, deliveryId, at, durationMs, statusCode, error, response);
  };
}

/** Moves `lastSuccessAt` and `failingSince` of the webhooks, in the order in which the attempts ended; one write for each webhook. */
function prepareHealth({ client }: Connection): (settlements: readonly Settlement[]) => void {
  interface Health {
    last_success_at: number | null;
    failing_since: number | null;
  }
  const read = client.prepare<[string], Health>("select last_success_at, failing_since from webhooks where id = ?");
  const write = client.prepare<[number | null, number | null, string]>(
    "update webhooks set last_success_at = ?, failing_since = ? where id = ?",
  );

  return (settlements) => {
    const healths = new Map<string, Health | undefined>();
    for (const { delivery, attempt, verdict } of settlements) {
      if (attempt === null) continue;
      const { webhookId } = delivery;
      if (!healths.has(webhookId)) healths.set(webhookId, read.get(webhookId));
      const health = healths.get(webhookId);
      if (health === undefined) continue;
      if (verdict.kind === "delivered") {
        health.last_success_at = Math.max(health.last_success_at ?? 0, attempt.at);
        health.failing_since = null;
      } else {
        health.failing_since ??= attempt.at;
      }
    }
    for (const [webhookId, health] of healths) {
      if (health !== undefined) write.run(health.last_success_at, health.failing_since, webhookId);
    }
  };
}
