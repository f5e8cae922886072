import { createHash } from "node:crypto";
import { EVENT_TYPES, eventBody } from "../../domain/change";
import type { LoggedChange, OperationalEvent } from "../../store/store";
import { batchEvent, binaryHeaders, structuredEvent } from "./cloudEvents";
import type { ClientTls, Endpoint } from "./endpoint";
import type { Signer } from "./signature";

/** What one request carries, before it is signed. */
export interface Message {
  /** The `webhook-id`: the same for every attempt. Holds no dot, as the signature's text requires. */
  readonly id: string;
  readonly url: string;
  readonly body: string;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: ClientTls | null;
  readonly signers: readonly Signer[];
  /** Over the name, the connection, the answer's head and its body together. */
  readonly timeoutMs: number;
  /** What must not be shown of the answer. */
  readonly hidden: readonly string[];
}

/** What is told, in the parts that every format is made of. */
export interface Payload {
  readonly type: string;
  /** Epoch milliseconds. */
  readonly occurredAt: number;
  /** Where it happened, as a path of the API, and the id at its end. */
  readonly source: string;
  readonly subject: string;
  /** JSON text, as it was written when it happened: so a body is the same for ever. */
  readonly data: string;
}

/** A payload under the id of the delivery that owes it. */
export interface Item {
  readonly id: string;
  readonly payload: Payload;
}

export function changePayload({ kind, occurredAt, sensorId, data }: LoggedChange): Payload {
  return { type: EVENT_TYPES[kind], occurredAt, source: `/sensors/${sensorId}`, subject: sensorId, data };
}

export function eventPayload({ kind, recordedAt, webhookId, data }: OperationalEvent): Payload {
  return { type: kind, occurredAt: recordedAt, source: `/webhooks/${webhookId}`, subject: webhookId, data };
}

/** One delivery, of a change or of an operational event. `now` says which keys sign. */
export function deliveryMessage(item: Item, endpoint: Endpoint, now: number): Message {
  const { id, payload } = item;
  switch (endpoint.format) {
    case "standard":
      return messageOf({ id, contentType: JSON_TYPE, body: bodyOf(payload) }, endpoint, now);
    case "cloudevents":
      return messageOf({ id, contentType: "application/cloudevents+json", body: structuredEvent(item) }, endpoint, now);
    case "cloudevents-binary":
      return messageOf({ id, contentType: JSON_TYPE, body: payload.data, headers: binaryHeaders(item) }, endpoint, now);
  }
}

/**
 * Several deliveries, at least one, in this order. The same deliveries in the same order have the same id and body for ever; another
 * composition has another id, and each delivery keeps its own within the body.
 */
export function batchMessage(items: readonly Item[], endpoint: Endpoint, now: number): Message {
  const id = batchId(endpoint.webhookId, items);
  if (endpoint.format === "cloudevents") {
    return messageOf({ id, contentType: "application/cloudevents-batch+json", body: batchEvent(items) }, endpoint, now);
  }
  if (endpoint.format === "cloudevents-binary") throw new Error("CloudEvents know no binary batch");
  const latest = items.reduce((at, { payload }) => Math.max(at, payload.occurredAt), 0);
  const listed = items.map((item) => `{"id":"${item.id}",${bodyOf(item.payload).slice(1)}`).join(",");
  const body = `{"type":"batch","timestamp":"${new Date(latest).toISOString()}","items":[${listed}]}`;
  return messageOf({ id, contentType: JSON_TYPE, body }, endpoint, now);
}

/** A test event is no delivery: it has an id of its own each time, and nothing of it is kept. */
export function testMessage(endpoint: Endpoint, now: number): Message {
  const { webhookId } = endpoint;
  const id = `msg_test_${crypto.randomUUID().replaceAll("-", "")}`;
  const data = JSON.stringify({ webhookId });
  const item: Item = { id, payload: { type: "webhook.test", occurredAt: now, source: `/webhooks/${webhookId}`, subject: webhookId, data } };
  return endpoint.batches ? batchMessage([item], endpoint, now) : deliveryMessage(item, endpoint, now);
}

const JSON_TYPE = "application/json";

interface Content extends Pick<Message, "id" | "contentType" | "body"> {
  readonly headers?: Readonly<Record<string, string>>;
}

function messageOf({ headers: ofFormat, ...content }: Content, endpoint: Endpoint, now: number): Message {
  const { url, tls, timeoutMs, hidden } = endpoint;
  const headers = ofFormat === undefined ? endpoint.headers : { ...endpoint.headers, ...ofFormat };
  return { ...content, url, headers, tls, timeoutMs, hidden, signers: endpoint.signers(now) };
}

function bodyOf({ type, occurredAt, data }: Payload): string {
  return eventBody(type, occurredAt, data);
}

function batchId(webhookId: string, items: readonly Item[]): string {
  const digest = createHash("sha256")
    .update(items.map(({ id }) => id).join("\n"))
    .digest("hex");
  return `${webhookId}_batch_${digest.slice(0, 32)}`;
}
