/** What a genuine request tells, whatever format its webhook has (docs/webhooks.md). */

export interface ReceivedEvent {
  /** The delivery's: what comes again comes under the same. */
  readonly id: string;
  readonly type: string;
  /** When it happened, RFC 3339. */
  readonly time: string;
  readonly data: unknown;
}

/** One, or several of a batch in their order. `body` is JSON. */
export function eventsOf(headers: Headers, body: string): ReceivedEvent[] {
  const json = JSON.parse(body) as unknown;
  const header = (name: string) => headers.get(name) ?? "";
  const type = header("content-type").split(";")[0];
  // Of the attributes in headers none is signed; the id is the same as `webhook-id`, which is.
  if (headers.has("ce-type")) return [{ id: header("webhook-id"), type: header("ce-type"), time: header("ce-time"), data: json }];
  if (type === "application/cloudevents-batch+json") return json as ReceivedEvent[];
  if (type === "application/cloudevents+json") return [json as ReceivedEvent];
  const message = json as Standard & { readonly items?: readonly (Standard & { readonly id: string })[] };
  if (message.type === "batch" && message.items !== undefined) return message.items.map((item) => standard(item.id, item));
  return [standard(header("webhook-id"), message)];
}

interface Standard {
  readonly type: string;
  readonly timestamp: string;
  readonly data: unknown;
}

function standard(id: string, { type, timestamp, data }: Standard): ReceivedEvent {
  return { id, type, time: timestamp, data };
}
