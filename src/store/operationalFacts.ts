/** What the service says of itself to the webhooks that ask for it, in the words of both drivers. */
import { changeId } from "../domain/change";
import type { EventKind, OperationalKind, Webhook } from "../domain/webhook";
import { type AttemptRow, FAILING_TOLD_AFTER_MS, type Settlement } from "./store";

export interface OperationalFact {
  /** The same for the same fact, so that it is recorded once. */
  readonly fact: string;
  readonly kind: OperationalKind;
  /** Whom it speaks of. */
  readonly webhookId: string;
  /** The JSON text of the event's `data`. */
  readonly data: string;
}

/** A webhook that asks for something other than changes alone. */
export interface Asking {
  readonly id: string;
  readonly events: readonly EventKind[];
}

/** Nobody is told of itself: whoever cannot be reached would not hear it. */
export function isAskedBy({ kind, webhookId }: Pick<OperationalFact, "kind" | "webhookId">, { id, events }: Asking): boolean {
  return id !== webhookId && events.includes(kind);
}

export function webhookDisabled({ id, version, url, stateReason, failingSince, lastSuccessAt }: Webhook): OperationalFact {
  const data = {
    webhookId: id,
    url: shownUrl(url),
    reason: stateReason ?? "by an operator",
    failingSince: timeOrNull(failingSince),
    lastSuccessAt: timeOrNull(lastSuccessAt),
  };
  return { fact: `webhook.disabled ${id} ${version}`, kind: "webhook.disabled", webhookId: id, data: JSON.stringify(data) };
}

export interface FailingWebhook extends Pick<Webhook, "id" | "url" | "lastSuccessAt"> {
  readonly failingSince: number;
}

/** `attempt`: the last that failed. */
export function webhookFailing({ id, url, failingSince, lastSuccessAt }: FailingWebhook, attempt: AttemptRow | undefined): OperationalFact {
  const data = {
    webhookId: id,
    url: shownUrl(url),
    failingSince: timeOrNull(failingSince),
    lastSuccessAt: timeOrNull(lastSuccessAt),
    error: attempt?.error ?? null,
    statusCode: attempt?.statusCode ?? null,
  };
  return { fact: `webhook.failing ${id} ${failingSince}`, kind: "webhook.failing", webhookId: id, data: JSON.stringify(data) };
}

/** A delivery of a change as it ended, with the last of its attempts. */
export interface FailedDelivery {
  readonly id: string;
  readonly webhookId: string;
  readonly partition: number;
  readonly number: number;
  readonly sensorId: string;
  readonly revision: number;
  readonly reason: string;
  readonly endedAt: number;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly lastStatusCode: number | null;
}

export function deliveryFailed(delivery: FailedDelivery): OperationalFact {
  const { id, webhookId, partition, number, sensorId, revision, reason, endedAt, attempts, lastError, lastStatusCode } = delivery;
  const data = {
    deliveryId: id,
    webhookId,
    changeId: changeId(partition, number),
    sensorId,
    revision,
    reason,
    attempts,
    lastError,
    lastStatusCode,
  };
  return { fact: `delivery.failed ${id} ${endedAt}`, kind: "delivery.failed", webhookId, data: JSON.stringify(data) };
}

const TOLD_REASONS: ReadonlySet<string | null> = new Set(["expired", "rejected", "unavailable"]);

/** Whether an end is told of by itself: what ends because its webhook is gone or disabled is told with that. */
export function isToldOf(reason: string | null): boolean {
  return TOLD_REASONS.has(reason);
}

/** Of each webhook whose attempts failed, without a success among them, the last of them. */
export function lastFailures(settlements: readonly Settlement[]): Map<string, AttemptRow> {
  const failures = new Map<string, AttemptRow>();
  const well = new Set<string>();
  for (const { delivery, attempt, verdict } of settlements) {
    if (attempt === null) continue;
    if (verdict.kind === "delivered") well.add(delivery.webhookId);
    else failures.set(delivery.webhookId, attempt);
  }
  for (const webhookId of well) failures.delete(webhookId);
  return failures;
}

/** Webhooks that fail since then, or longer, are told of. */
export function failingTold(now: number): number {
  return now - FAILING_TOLD_AFTER_MS;
}

/** Query and user may hold what is nobody else's business. */
function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

function timeOrNull(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
