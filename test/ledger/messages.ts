import type { Arrival, OperationalRow, OwedWebhook } from "./evidence";

/** One delivery in a request. */
export interface Item {
  /** The delivery's. */
  readonly id: string;
  /** What it says of a change; null when it says nothing of one. */
  readonly said: Said | null;
}

export interface Said {
  readonly sensorId: string;
  readonly changeId: string;
  readonly revision: number;
}

/** What a delivery carries, in the parts of which every format makes its body. */
export interface Content {
  readonly type: string;
  readonly timestamp: string;
  /** A path of the API. */
  readonly source: string;
  /** JSON text. */
  readonly data: string;
}

type Parsed = Readonly<Record<string, unknown>>;

/** The deliveries that a request holds, in their order; none when it cannot be read. */
export function itemsOf(webhook: OwedWebhook | undefined, { deliveryId, body }: Pick<Arrival, "deliveryId" | "body">): Item[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return [];
  }
  if (webhook?.settings.batch == null) return [{ id: deliveryId, said: saidIn(webhook, parsed as Parsed) }];
  const items = webhook.settings.format === "cloudevents" ? parsed : (parsed as Parsed)["items"];
  if (!Array.isArray(items)) return [];
  return (items as Parsed[]).map((item) => ({ id: String(item["id"]), said: saidIn(webhook, item) }));
}

function saidIn(webhook: OwedWebhook | undefined, parsed: Parsed): Said | null {
  const isBare = webhook?.settings.format === "cloudevents-binary";
  if (!isBare && !String(parsed["type"]).startsWith("sensor.")) return null;
  const { sensorId, changeId, revision } = (isBare ? parsed : (parsed["data"] ?? {})) as Partial<Said>;
  return sensorId === undefined || changeId === undefined || revision === undefined ? null : { sensorId, changeId, revision };
}

export function changeContent({ data, parsed }: { data: string; parsed: { kind: string; occurredAt: string; sensorId: string } }): Content {
  return { type: `sensor.${parsed.kind}.changed`, timestamp: parsed.occurredAt, source: `/sensors/${parsed.sensorId}`, data };
}

export function eventContent({ kind, webhookId, recordedAt, data }: OperationalRow): Content {
  return { type: kind, timestamp: new Date(recordedAt).toISOString(), source: `/webhooks/${webhookId}`, data };
}

/** The body of a webhook as it is without any settings, and of a message in CHANGES. */
export function standardBody({ type, timestamp, data }: Content): string {
  return `{"type":"${type}","timestamp":"${timestamp}","data":${data}}`;
}

/** The body that a request with these deliveries must have. */
export function expectedBody({ settings }: OwedWebhook, contents: readonly (Content & { readonly id: string })[]): string {
  const [first] = contents;
  if (first === undefined) return "";
  const isCloud = settings.format === "cloudevents";
  if (settings.batch === null) {
    if (settings.format === "cloudevents-binary") return first.data;
    return isCloud ? cloudEvent(first) : standardBody(first);
  }
  if (isCloud) return `[${contents.map(cloudEvent).join(",")}]`;
  const items = contents.map((content) => `{"id":"${content.id}",${standardBody(content).slice(1)}`);
  const timestamp = contents.map((content) => content.timestamp).reduce((latest, one) => (one > latest ? one : latest));
  return `{"type":"batch","timestamp":"${timestamp}","items":[${items.join(",")}]}`;
}

function cloudEvent({ id, source, type, timestamp, data }: Content & { readonly id: string }): string {
  const subject = source.slice(source.lastIndexOf("/") + 1);
  const attributes = { specversion: "1.0", id, source, type, subject, time: timestamp, datacontenttype: "application/json" };
  return `${JSON.stringify(attributes).slice(0, -1)},"data":${data}}`;
}
