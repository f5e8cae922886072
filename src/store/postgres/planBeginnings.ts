import type { PlannedDelivery } from "../store";

/** How a delivery of a plan begins, where it is not known to wait. */
export const LEADS = 0;
export const FREE = 1;
export const BATCH = 2;
export type Beginning = typeof LEADS | typeof FREE | typeof BATCH;

/**
 * How each delivery of a plan begins as far as the plan alone tells; null for one that waits behind another of the plan, or is not
 * pending. The deliveries stand in the order of their numbers.
 */
export function beginnings(deliveries: readonly PlannedDelivery[]): (Beginning | null)[] {
  /** The lanes of the plan, and whether all that they got so far goes in batches. */
  const lanes = new Map<string, boolean>();
  return deliveries.map(({ state, webhookId, sensorId, begins }) => {
    if (state !== "pending") return null;
    const lane = `${webhookId} ${sensorId}`;
    const inBatches = lanes.get(lane);
    lanes.set(lane, begins === "batch" && inBatches !== false);
    if (begins === "free") return FREE;
    if (begins === "batch") return inBatches === false ? null : BATCH;
    return inBatches === undefined ? LEADS : null;
  });
}
