import { changeBody } from "../../domain/change";
import type { Webhook } from "../../domain/webhook";
import type { DueDelivery, LoggedChange, OperationalEvent } from "../../store/store";

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

/** Of an operational event: the same bytes for ever, too. */
export function eventBody({ kind, recordedAt, data }: OperationalEvent): string {
  return `{"type":"${kind}","timestamp":"${new Date(recordedAt).toISOString()}","data":${data}}`;
}

/** A test event is no delivery: it has an id of its own each time, and nothing of it is kept. */
export function testMessage({ id, url, credentials }: Endpoint & Pick<Webhook, "id">, now: number): Message {
  const body = JSON.stringify({ type: "webhook.test", timestamp: new Date(now).toISOString(), data: { webhookId: id } });
  return { id: `msg_test_${crypto.randomUUID().replaceAll("-", "")}`, url, secrets: secretsOf(credentials), body };
}

function secretsOf(credentials: string): readonly string[] {
  return JSON.parse(credentials.slice("plain:".length)) as string[];
}

/** A delivery and what it says. */
export interface Item {
  readonly delivery: DueDelivery;
  readonly body: string;
}

/** Several in one request. */
export function batchMessage(items: readonly Item[], { url, credentials }: Endpoint): Message {
  const texts = items.map(({ delivery: { id }, body }) => `{"id":${JSON.stringify(id)},${body.slice(1)}`);
  const id = `batch_${new Bun.CryptoHasher("sha256")
    .update(items.map(({ delivery }) => delivery.id).join(" "))
    .digest("hex")
    .slice(0, 32)}`;
  return { id, url, secrets: secretsOf(credentials), body: `{"type":"batch","items":[${texts.join(",")}]}` };
}
