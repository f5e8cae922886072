import { changeId } from "../domain/change";
import { type DeliveryState, EVENTS_LANE } from "../domain/delivery";
import { Fault } from "../domain/fault";
import type { WebhookState } from "../domain/webhook";
import type { AttemptRow, DeliveryRecord } from "./store";

/** With so many attempts no more deliveries are taken out in one transaction. */
export const PRUNED_ATTEMPTS_MAX = 20_000;

/** A delivery as a list reads it. */
export interface DeliveryRow {
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

export function recordOf(row: DeliveryRow, attempts: readonly AttemptRow[]): DeliveryRecord {
  const { id, webhookId, sensorId, partition, number, revision, state, reason, plannedAt, nextAttemptAt } = row;
  const carried =
    sensorId === EVENTS_LANE
      ? { changeId: null, eventId: `evt_${number}`, sensorId: null }
      : { changeId: changeId(partition, number), eventId: null, sensorId };
  return { id, webhookId, ...carried, partition, revision, state, reason, plannedAt, nextAttemptAt, attempts };
}

export function noDelivery(id: string): Fault {
  return new Fault("notFound", `There is no delivery ${id}.`);
}

/** `webhook`: its state, null when it is gone. `isKept`: what the delivery carries was not pruned. Throws conflict. */
export function demandRepeatable(row: DeliveryRow, { webhook, isKept }: { webhook: WebhookState | null; isKept: boolean }): void {
  const { id, webhookId, sensorId, state, nextAttemptAt } = row;
  if (webhook === null) throw new Fault("conflict", `Webhook ${webhookId} is gone: there is nowhere to send delivery ${id}.`);
  if (webhook === "disabled") throw new Fault("conflict", `Webhook ${webhookId} is disabled: enable it first.`);
  const isEvent = sensorId === EVENTS_LANE;
  if (state === "pending" && nextAttemptAt === null) {
    const earlier = isEvent ? "an earlier event" : `an earlier change of sensor ${sensorId}`;
    throw new Fault("conflict", `Delivery ${id} waits behind ${earlier}: retry that one.`);
  }
  if (!isKept) {
    throw new Fault("conflict", `Delivery ${id} cannot be sent again: its ${isEvent ? "event" : "change"} is no longer kept.`);
  }
}
