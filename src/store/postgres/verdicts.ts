import type { DeliveryState } from "../../domain/delivery";
import type { Settlement } from "../store";
import type { Succession } from "./lanes";

/** A pending delivery as the table holds it. */
export interface PendingDelivery {
  readonly ordinal: number;
  readonly id: string;
  readonly nextAttemptAt: number | null;
  readonly laneFailures: number;
  readonly rejections: number;
}

/** What a settled delivery is from now on. */
export interface SettledDelivery extends PendingDelivery {
  readonly state: DeliveryState;
  readonly reason: string | null;
}

export interface Settled {
  readonly settled: readonly SettledDelivery[];
  /** How the next begins of each lane in which a delivery ended; where several did, after the last of them. */
  readonly successions: readonly Succession[];
}

/** What the verdicts, one after the other, make of the deliveries that are still pending. */
export function settlePending(pending: readonly PendingDelivery[], settlements: readonly Settlement[], now: number): Settled {
  const present = new Map<string, SettledDelivery>(pending.map((row) => [row.id, { ...row, state: "pending", reason: null }]));
  const touched = new Set<string>();
  const successions = new Map<string, Succession>();
  for (const settlement of settlements) {
    const { id, webhookId, sensorId } = settlement.delivery;
    const before = present.get(id);
    if (before?.state !== "pending") continue;
    const { after, next } = judged(before, settlement, now);
    present.set(id, after);
    touched.add(id);
    if (next !== null) successions.set(`${webhookId} ${sensorId}`, { webhookId, sensorId, ...next });
  }
  return { settled: [...touched].map((id) => present.get(id) as SettledDelivery), successions: [...successions.values()] };
}

type Next = Pick<Succession, "nextAttemptAt" | "laneFailures">;

/** `next`: how the next of the lane begins, null when the lane does not move. */
function judged(before: SettledDelivery, { attempt, verdict }: Settlement, now: number): { after: SettledDelivery; next: Next | null } {
  switch (verdict.kind) {
    case "delivered":
      return { after: { ...before, state: "delivered", nextAttemptAt: null }, next: { nextAttemptAt: now, laneFailures: 0 } };
    case "retry": {
      const { nextAttemptAt, rejected } = verdict;
      const laneFailures = before.laneFailures + 1;
      return { after: { ...before, nextAttemptAt, laneFailures, rejections: before.rejections + (rejected ? 1 : 0) }, next: null };
    }
    case "failed": {
      const nextAttemptAt = verdict.nextAttemptAt ?? Math.max(now, before.nextAttemptAt ?? now);
      const laneFailures = before.laneFailures + (attempt === null ? 0 : 1);
      return { after: { ...before, state: "failed", reason: verdict.reason, nextAttemptAt: null }, next: { nextAttemptAt, laneFailures } };
    }
  }
}
