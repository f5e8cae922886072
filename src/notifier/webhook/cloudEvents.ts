import type { Item } from "./payload";

/** CloudEvents 1.0: the JSON event format, its batch, and the binary content mode of the HTTP binding (cloudevents.io). */

/** Structured: one event, as it is for ever. */
export function structuredEvent({ id, payload }: Item): string {
  const { source, type, subject, occurredAt, data } = payload;
  const attributes = { specversion: "1.0", id, source, type, subject, time: new Date(occurredAt).toISOString() };
  return `${JSON.stringify(attributes).slice(0, -1)},"datacontenttype":"application/json","data":${data}}`;
}

export function batchEvent(items: readonly Item[]): string {
  return `[${items.map(structuredEvent).join(",")}]`;
}

/** Binary: the attributes as headers; the body is the data alone, and `content-type` is its type. */
export function binaryHeaders({ id, payload }: Item): Record<string, string> {
  return {
    "ce-specversion": "1.0",
    "ce-id": headerText(id),
    "ce-source": headerText(payload.source),
    "ce-type": headerText(payload.type),
    "ce-subject": headerText(payload.subject),
    "ce-time": new Date(payload.occurredAt).toISOString(),
  };
}

/** Printable ASCII as it is, everything else and `"` and `%` percent-encoded in UTF-8 (HTTP binding 1.0, 3.1.3.2). */
export function headerText(text: string): string {
  return text.toWellFormed().replace(/[^\x21-\x7e]|["%]/gu, (one) => {
    return [...Buffer.from(one)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
  });
}
