import { isFault } from "../domain/fault";
import type { Webhook, WebhookVersion } from "../domain/webhook";
import type { DeliveryStore, PlannedDelivery, WebhookStore } from "../store/store";
import type { Events } from "../telemetry/events";
import { nextTurn } from "../nextTurn";
import { pause } from "../pause";

/** Ended in one commit. */
const ENDED_AT_ONCE_MAX = 1000;
const RETRY_MS = 500;

/** Ends what is owed to webhooks that will not be sent anything: in slices, in turn, in the background. */
export interface Owed {
  /** Ends what is owed to a webhook if it is deleted or disabled. */
  end(webhookId: string): void;
  /** The webhooks as they are now: ends what is owed to each that was disabled since it was last seen. */
  review(newest: ReadonlyMap<string, WebhookVersion>): void;
  /** What was just planned: ends what was owed from before a webhook was disabled, and stands in the table only now. */
  planned(deliveries: readonly PlannedDelivery[], newest: ReadonlyMap<string, WebhookVersion>): void;
  /**
   * Disables a webhook whose endpoint is gone, and ends what it is owed. False when it was edited since it was sent to: the answer may
   * speak of what it was before.
   */
  disable(webhook: Webhook, reason: string): Promise<boolean>;
  stop(): Promise<void>;
}

export interface OwedOptions {
  readonly store: Pick<DeliveryStore, "failOwed" | "webhookById"> & Pick<WebhookStore, "updateWebhook">;
  /** A webhook was disabled here. */
  readonly onDisabled: () => void;
  readonly events: Events;
}

export function createOwed({ store, onDisabled, events }: OwedOptions): Owed {
  const ending = new AbortController();
  const waiting = new Set<string>();
  /** The version in which each webhook was last seen disabled. */
  const reviewed = new Map<string, number>();
  let running: Promise<void> | null = null;

  function end(webhookId: string): void {
    waiting.add(webhookId);
    running ??= run();
  }

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      await nextTurn();
      const [webhookId] = waiting;
      if (webhookId === undefined) break;
      waiting.delete(webhookId);
      try {
        if ((await endSlice(webhookId)) > 0) waiting.add(webhookId);
      } catch (error) {
        waiting.add(webhookId);
        events.failed("deliveries.end", error);
        await pause(RETRY_MS, ending.signal);
      }
    }
    running = null;
  }

  /** Looks each time anew: a webhook that is active again is owed what comes. Gives how many it ended. */
  async function endSlice(webhookId: string): Promise<number> {
    const webhook = await store.webhookById(webhookId);
    if (webhook !== null && webhook.state !== "disabled") return 0;
    const count = await store.failOwed(webhookId, webhook === null ? "deleted" : "disabled", ENDED_AT_ONCE_MAX);
    events.deliveriesEnded("failed", count);
    return count;
  }

  return {
    end,

    review(newest) {
      for (const { webhookId, version, state, deleted } of newest.values()) {
        if (deleted || state !== "disabled" || reviewed.get(webhookId) === version) continue;
        reviewed.set(webhookId, version);
        end(webhookId);
      }
    },

    planned(deliveries, newest) {
      for (const { webhookId, state } of deliveries) {
        if (state === "pending" && newest.get(webhookId)?.state === "disabled") end(webhookId);
      }
    },

    async disable(webhook, reason) {
      const found = await disabled(store, webhook, reason);
      if (found === "edited") return false;
      if (found === "disabled") events.webhookDisabled(webhook.id, reason);
      onDisabled();
      end(webhook.id);
      return true;
    },

    async stop() {
      ending.abort();
      await running;
    },
  };
}

async function disabled(
  store: OwedOptions["store"],
  { id, version }: Webhook,
  stateReason: string,
): Promise<"disabled" | "edited" | "deleted"> {
  try {
    await store.updateWebhook(id, { state: "disabled", stateReason }, version);
    return "disabled";
  } catch (error) {
    if (isFault(error, "preconditionFailed")) return "edited";
    if (isFault(error, "notFound")) return "deleted";
    throw error;
  }
}
