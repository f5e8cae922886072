export const DELIVERY_STATES = ["pending", "delivered", "failed", "suppressed", "coalesced", "skipped"] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** The same for ever for one change and one webhook; it is the `webhook-id`. Holds no dot, as the signature's text requires. */
export function deliveryId(webhookId: string, partition: number, number: number): string {
  return `${webhookId}_${partition}_${number}`;
}

/** The sensor's place in deliveries that carry an operational event instead of a change; never a sensor's id. */
export const EVENTS_LANE = "$events";

/** Of an operational event; `number` is the event's. */
export function eventDeliveryId(webhookId: string, number: number): string {
  return `${webhookId}_evt_${number}`;
}

/** When what goes in batches is due: all of it at once, in the order of planning. */
export const BATCHED_AT = 0;

/** How long after it was planned a delivery may still be tried. */
export const DELIVERY_EXPIRES_MS = 3 * 24 * 3600 * 1000;

/** Waits between the attempts of a lane: after the first failure the first, and so on; the last one repeats until the delivery expires. */
export const RETRY_WAITS_MS: readonly number[] = [
  5_000,
  30_000,
  5 * 60_000,
  30 * 60_000,
  2 * 3_600_000,
  5 * 3_600_000,
  10 * 3_600_000,
  14 * 3_600_000,
  20 * 3_600_000,
];

/**
 * The wait after a lane's `failures`-th failure in a row (from 1), stretched by up to a tenth; `random` lies in [0, 1). `schedule` in
 * seconds, null for {@link RETRY_WAITS_MS}.
 */
export function retryWaitMs(failures: number, random: number, schedule: readonly number[] | null = null): number {
  const waits = schedule?.map((seconds) => seconds * 1000) ?? RETRY_WAITS_MS;
  const wait = waits[Math.min(failures, waits.length) - 1] ?? 0;
  return Math.round(wait * (1 + random / 10));
}
