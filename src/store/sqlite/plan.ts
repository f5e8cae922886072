import { deliveryId } from "../../domain/delivery";
import type { DueDelivery, Plan, PlannedDelivery, PlanOutcome, PlanStore } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";
import { prepareLanes } from "./lanes";
import { prepareFence } from "./partitions";
import { prepareWebhookVersions } from "./webhookVersions";

export function openPlan(connection: Connection): Direct<PlanStore> {
  const { client, write } = connection;
  const versions = prepareWebhookVersions(connection);
  const held = prepareFence(connection);
  const lanes = prepareLanes(connection);
  const insert = client.prepare<unknown[]>(
    `insert into deliveries (id, webhook_id, partition, number, sensor_id, revision, state, reason, planned_at, owed_since,
       next_attempt_at, ended_at, min_interval_ms)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do nothing`,
  );
  const lastSuccess = client
    .prepare<[string, string], number>(
      `select ended_at from deliveries
       where webhook_id = ? and sensor_id = ? and min_interval_ms > 0 and state = 'delivered' order by ended_at desc limit 1`,
    )
    .pluck();
  const move = client.prepare<[number, number, number]>(
    "update partitions set change_number = ?, lease_until = ? where role = 'notify' and partition = ?",
  );

  /** When it may be tried first; null when it waits. */
  function beginning({ begins, webhookId, sensorId, minIntervalMs }: PlannedDelivery, now: number): number | null {
    if (begins === "free") return now;
    const last = lanes.lastTime(webhookId, sensorId);
    if (begins === "batch") return last === undefined || last === 0 ? 0 : null;
    if (last !== undefined) return null;
    return minIntervalMs === 0 ? now : Math.max(now, (lastSuccess.get(webhookId, sensorId) ?? 0) + minIntervalMs);
  }

  /** Gives the delivery if it is due at once. */
  function plan(planned: PlannedDelivery, partition: number, now: number): DueDelivery | null {
    const { webhookId, number, sensorId, revision, state, reason, minIntervalMs } = planned;
    const isPending = state === "pending";
    const id = deliveryId(webhookId, partition, number);
    const [nextAttemptAt, endedAt] = [isPending ? beginning(planned, now) : null, isPending ? null : now];
    const values = [id, webhookId, partition, number, sensorId, revision, state, reason, now, now, nextAttemptAt, endedAt, minIntervalMs];
    if (insert.run(values).changes === 0 || nextAttemptAt === null || nextAttemptAt > now) return null;
    return { id, webhookId, sensorId, partition, number, plannedAt: now, nextAttemptAt, laneFailures: 0, rejections: 0 };
  }

  function commit({ lease, leaseTtlMs, webhooksVersion, from, to, deliveries }: Plan): PlanOutcome {
    const row = held(lease);
    if (row === null) return { kind: "fenced" };
    // Under this lease nobody else moves the cursor, so it was this plan.
    if (row.change_number === to && from !== to) return { kind: "planned", plannedAt: Date.now(), heads: [] };
    if (row.change_number !== from) return { kind: "moved" };
    if (versions.edits() !== webhooksVersion) return { kind: "webhooksMoved" };
    const now = Date.now();
    const heads: DueDelivery[] = [];
    for (const delivery of deliveries) {
      const head = plan(delivery, lease.partition, now);
      if (head !== null) heads.push(head);
    }
    move.run(to, now + leaseTtlMs, lease.partition);
    return { kind: "planned", plannedAt: now, heads: lanes.sendable(heads) };
  }

  return {
    webhookSet: (known = null) => versions.thatMatter(known),
    commitPlan: (plan) => write(() => commit(plan)),
  };
}
