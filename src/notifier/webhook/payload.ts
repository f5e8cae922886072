import { changeBody } from "../../domain/change";
import type { Webhook } from "../../domain/webhook";
import type { DueDelivery, LoggedChange } from "../../store/store";

/** What one request carries, before it is signed. */
export interface Message {
  /** The `webhook-id`: the same for every attempt. */
  readonly id: string;
  readonly url: string;
  readonly body: string;
  readonly webhookId: string;
  /** Sealed, as they stand on the webhook. */
  readonly credentials: string;
}

type Endpoint = Pick<Webhook, "id" | "url" | "credentials">;

export function deliveryMessage(delivery: DueDelivery, { id: webhookId, url, credentials }: Endpoint, body: string): Message {
  return { id: delivery.id, url, webhookId, credentials, body };
}

/** The same bytes for ever: `data` is the text that was written with the change. */
export function bodyOf(change: LoggedChange): string {
  return changeBody(change.kind, change.occurredAt, change.data);
}

/** A test event is no delivery: it has an id of its own each time, and nothing of it is kept. */
export function testMessage({ id: webhookId, url, credentials }: Endpoint, now: number): Message {
  const body = JSON.stringify({ type: "webhook.test", timestamp: new Date(now).toISOString(), data: { webhookId } });
  return { id: `msg_test_${crypto.randomUUID().replaceAll("-", "")}`, url, webhookId, credentials, body };
}
