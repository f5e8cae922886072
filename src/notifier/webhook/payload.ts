import { changeBody } from "../../domain/change";
import type { Webhook } from "../../domain/webhook";
import type { DueDelivery, LoggedChange } from "../../store/store";

/** What one request carries, before it is signed. */
export interface Message {
  /** The `webhook-id`: the same for every attempt. */
  readonly id: string;
  readonly url: string;
  readonly body: string;
  readonly secrets: readonly string[];
}

type Endpoint = Pick<Webhook, "url" | "credentials">;

export function deliveryMessage(delivery: DueDelivery, { url, credentials }: Endpoint, body: string): Message {
  return { id: delivery.id, url, secrets: secretsOf(credentials), body };
}

/** The same bytes for ever: `data` is the text that was written with the change. */
export function bodyOf(change: LoggedChange): string {
  return changeBody(change.kind, change.occurredAt, change.data);
}

/** A test event is no delivery: it has an id of its own each time, and nothing of it is kept. */
export function testMessage({ id, url, credentials }: Endpoint & Pick<Webhook, "id">, now: number): Message {
  const body = JSON.stringify({ type: "webhook.test", timestamp: new Date(now).toISOString(), data: { webhookId: id } });
  return { id: `msg_test_${crypto.randomUUID().replaceAll("-", "")}`, url, secrets: secretsOf(credentials), body };
}

function secretsOf(credentials: string): readonly string[] {
  return JSON.parse(credentials.slice("plain:".length)) as string[];
}
