import type { Settlement } from "../store";
import type { Connection } from "./connection";

interface Health {
  last_success_at: number | null;
  failing_since: number | null;
  held_until: number | null;
}

/**
 * Moves `lastSuccessAt`, `failingSince` and `heldUntil` of the webhooks, in the order in which the attempts ended; one write for each
 * webhook.
 */
export function prepareHealth({ client }: Connection): (settlements: readonly Settlement[]) => void {
  const read = client.prepare<[string], Health>("select last_success_at, failing_since, held_until from webhooks where id = ?");
  const write = client.prepare<[number | null, number | null, number | null, string]>(
    "update webhooks set last_success_at = ?, failing_since = ?, held_until = ? where id = ?",
  );

  return (settlements) => {
    const healths = new Map<string, Health | undefined>();
    for (const { delivery, attempt, verdict } of settlements) {
      if (attempt === null) continue;
      const { webhookId } = delivery;
      if (!healths.has(webhookId)) healths.set(webhookId, read.get(webhookId));
      const health = healths.get(webhookId);
      if (health !== undefined) move(health, attempt.at, verdict);
    }
    for (const [webhookId, health] of healths) {
      if (health !== undefined) write.run(health.last_success_at, health.failing_since, health.held_until, webhookId);
    }
  };
}

function move(health: Health, at: number, verdict: Settlement["verdict"]): void {
  if (verdict.kind === "delivered") {
    health.last_success_at = Math.max(health.last_success_at ?? 0, at);
    health.failing_since = null;
    return;
  }
  health.failing_since ??= at;
  if (verdict.kind === "retry" && verdict.heldUntil != null) health.held_until = Math.max(health.held_until ?? 0, verdict.heldUntil);
}
