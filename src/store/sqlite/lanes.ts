import type { WebhookState } from "../../domain/webhook";
import type { DueDelivery } from "../store";
import type { Connection } from "./connection";

/** The columns of a {@link DueDelivery}, under its names. A repeat asked for by hand counts its days anew. */
export const DUE_DELIVERY = `id, webhook_id as webhookId, sensor_id as sensorId, partition, number, owed_since as plannedAt,
  next_attempt_at as nextAttemptAt, lane_failures as laneFailures, rejections`;

/** A sensor's own lane is in one partition; that of the events is in every one. */
export type Lane = Pick<DueDelivery, "webhookId" | "sensorId" | "partition">;

export interface Lanes {
  /** The time of the last that is pending in a sensor's lane; undefined where nothing is, so that what comes need not wait. */
  lastTime(webhookId: string, sensorId: string): number | null | undefined;
  /** Makes the next of a lane its head, if the lane has none; gives it. */
  promote(lane: Lane, head: { nextAttemptAt: number; laneFailures: number }): DueDelivery | null;
  /** Whether a lane has a head, wherever it stands. */
  isLed(lane: Lane): boolean;
  /** Those whose webhook may be sent to now. */
  sendable(heads: readonly DueDelivery[]): DueDelivery[];
  /** Whether what is due to a webhook may be given out: a paused or disabled one is held; one that is gone is for the caller to end. */
  isOpen(webhookId: string): boolean;
  /** The webhook is there no more. */
  isGone(webhookId: string): boolean;
}

/** What keeps each lane in order; for use within transactions. */
export function prepareLanes({ client }: Connection): Lanes {
  const last = client
    .prepare<[string, string], number | null>(
      `select next_attempt_at from deliveries where state = 'pending' and webhook_id = ? and sensor_id = ? order by number desc limit 1`,
    )
    .pluck();
  const next = client.prepare<[string, string, number], { ordinal: number; next_attempt_at: number | null }>(
    `select ordinal, next_attempt_at from deliveries
     where state = 'pending' and webhook_id = ? and sensor_id = ? and +partition = ? order by number limit 1`,
  );
  const led = client.prepare<[string, string, number]>(
    `select 1 from deliveries
     where state = 'pending' and webhook_id = ? and sensor_id = ? and +partition = ? and +next_attempt_at is not null order by number limit 1`,
  );
  const lead = client.prepare<[number, number, number], DueDelivery>(
    `update deliveries set next_attempt_at = ?, lane_failures = ? where ordinal = ? returning ${DUE_DELIVERY}`,
  );
  const stateOfWebhook = client.prepare<[string], WebhookState>("select state from webhooks where id = ?").pluck();

  const lanes: Lanes = {
    lastTime: (webhookId, sensorId) => last.get(webhookId, sensorId),

    isLed: ({ webhookId, sensorId, partition }) => led.get(webhookId, sensorId, partition) !== undefined,

    promote({ webhookId, sensorId, partition }, { nextAttemptAt, laneFailures }) {
      const first = next.get(webhookId, sensorId, partition);
      if (first === undefined || first.next_attempt_at !== null) return null;
      return lead.get(nextAttemptAt, laneFailures, first.ordinal) as DueDelivery;
    },

    sendable(heads) {
      const open = new Map<string, boolean>();
      return heads.filter(({ webhookId }) => {
        if (!open.has(webhookId)) open.set(webhookId, lanes.isOpen(webhookId));
        return open.get(webhookId) === true;
      });
    },

    isOpen(webhookId) {
      const state = stateOfWebhook.get(webhookId);
      return state === undefined || state === "active";
    },

    isGone: (webhookId) => stateOfWebhook.get(webhookId) === undefined,
  };
  return lanes;
}
