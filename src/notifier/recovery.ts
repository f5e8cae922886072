import { LRUCache } from "lru-cache";
import { WEBHOOKS_MAX } from "../domain/webhook";
import type { DeliveryStore, Lease, Settlement } from "../store/store";
import type { Events } from "../telemetry/events";

/** The first success after failures wakes what waits at once; then so much time passes between one wake and the next … */
const WAKE_EVERY_MS = 5000;
/** … twice as much each time while nothing that failed before is taken, so that lanes which always fail keep to about their schedule. */
const WAKE_EVERY_MAX_MS = 5 * 60_000;

/** Notices that an endpoint takes messages again, and makes due what waits for it. */
export interface Recovery {
  /** Outcomes that are written: what failed is waiting now, and a success ends the waiting. */
  settled(settlements: readonly Settlement[]): void;
  /** Heads of a webhook were seen to wait: another process may have left them behind. */
  waiting(webhookId: string): void;
  stop(): Promise<void>;
}

export interface RecoveryOptions {
  readonly store: Pick<DeliveryStore, "wakeWebhook">;
  readonly lease: Lease;
  readonly now: () => number;
  /** What waited for a webhook is due. */
  readonly onWoken: (webhookId: string) => void;
  readonly events: Events;
}

interface Health {
  /** Something failed, or was seen to wait, and was not woken since. */
  waits: boolean;
  wokenAt: number | null;
  wakeEveryMs: number;
  timer: Timer | null;
}

export function createRecovery({ store, lease, now, onWoken, events }: RecoveryOptions): Recovery {
  const healths = createHealths();
  const waking = new Set<Promise<void>>();
  let stopped = false;

  /** At once, or as soon as it may be. */
  function wakeInTime(webhookId: string, health: Health): void {
    forgetTimer(health);
    if (stopped) return;
    const at = now();
    const waitMs = health.wokenAt === null ? 0 : health.wokenAt + health.wakeEveryMs - at;
    if (waitMs > 0) {
      health.timer = setTimeout(() => wakeInTime(webhookId, health), waitMs);
      return;
    }
    if (health.wokenAt !== null) health.wakeEveryMs = Math.min(2 * health.wakeEveryMs, WAKE_EVERY_MAX_MS);
    health.wokenAt = at;
    health.waits = false;
    const run = wake(webhookId, health, at).finally(() => waking.delete(run));
    waking.add(run);
  }

  async function wake(webhookId: string, health: Health, at: number): Promise<void> {
    try {
      if ((await store.wakeWebhook(lease, webhookId, at)) > 0) onWoken(webhookId);
    } catch (error) {
      // The next success tries again.
      health.waits = true;
      events.failed("webhook.wake", error);
    }
  }

  return {
    settled(settlements) {
      for (const { delivery, attempt, verdict } of settlements) {
        if (attempt === null) continue;
        const health = healths.of(delivery.webhookId);
        if (verdict.kind !== "delivered") {
          health.waits = true;
          continue;
        }
        if (delivery.laneFailures > 0) health.wakeEveryMs = WAKE_EVERY_MS;
        if (health.waits) wakeInTime(delivery.webhookId, health);
      }
    },

    waiting(webhookId) {
      healths.of(webhookId).waits = true;
    },

    async stop() {
      stopped = true;
      for (const health of healths.all()) forgetTimer(health);
      await Promise.all(waking);
    },
  };
}

function createHealths(): { of(webhookId: string): Health; all(): Iterable<Health> } {
  const healths = new LRUCache<string, Health>({ max: WEBHOOKS_MAX, dispose: forgetTimer });
  return {
    of(webhookId) {
      const known = healths.get(webhookId);
      if (known !== undefined) return known;
      const health: Health = { waits: false, wokenAt: null, wakeEveryMs: WAKE_EVERY_MS, timer: null };
      healths.set(webhookId, health);
      return health;
    },
    all: () => healths.values(),
  };
}

function forgetTimer(health: Health): void {
  if (health.timer !== null) clearTimeout(health.timer);
  health.timer = null;
}
