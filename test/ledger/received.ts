/** What webhooks of every kind are sent in a correct history, and what their receivers see, as luck has it. */
import { type Change, changeData } from "../../src/domain/change";
import { deliveryId, eventDeliveryId } from "../../src/domain/delivery";
import { SETTINGS_DEFAULT, type WebhookSettings } from "../../src/domain/webhook";
import { endpointOf } from "../../src/notifier/webhook/endpoint";
import { batchMessage, changePayload, deliveryMessage, eventPayload, type Item } from "../../src/notifier/webhook/payload";
import { type Arrival, type DeliveryRow, EVENTS_LANE, type Evidence, type OperationalRow, type OwedWebhook } from "./evidence";

/** After all else. */
const REPLAYED_AT = Date.parse("2026-11-23T12:00:00.000Z");
const BATCH = { maxItems: 4, maxWaitMs: 50 };

/** `changes`: how many there are in the first partition. */
export function webhooksOf(changes: number): OwedWebhook[] {
  const all = { initial: true };
  return [
    webhook("wh_all", all, {}),
    webhook("wh_grave", { minSeverity: "critical", kinds: ["status"] }, {}),
    { ...webhook("wh_young", { labels: { site: "north" } }, {}), after: { 0: Math.floor(changes / 2) } },
    webhook("wh_silent", { kinds: ["availability"], sensorIds: ["boiler-1", "pump-3"] }, {}),
    webhook("wh_free", all, { ordering: "none" }),
    webhook("wh_latest", all, { mode: "latest" }),
    webhook("wh_spaced", all, { mode: "latest", minIntervalSeconds: 1 }),
    webhook("wh_batch", all, { batch: BATCH }),
    webhook("wh_cloud", all, { format: "cloudevents" }),
    webhook("wh_clouds", all, { format: "cloudevents", batch: BATCH }),
    webhook("wh_binary", all, { format: "cloudevents-binary" }),
    webhook("wh_gone", all, {}),
    webhook("wh_events", {}, { events: ["webhook.disabled", "webhook.failing", "delivery.failed"] }),
  ];
}

function webhook(id: string, filter: OwedWebhook["filter"], settings: Partial<WebhookSettings>): OwedWebhook {
  return { id, filter, after: {}, state: "active", settings: { ...SETTINGS_DEFAULT, ...settings } };
}

/** A number below 100. */
export type Luck = () => number;

export type Received = Pick<Evidence, "webhooks" | "deliveries" | "arrivals" | "operational" | "replays">;

export function receiveAll(webhooks: readonly OwedWebhook[], owedTo: (webhook: OwedWebhook) => readonly Change[], luck: Luck): Received {
  const operational: OperationalRow[] = [];
  const tell = (event: Omit<OperationalRow, "number">) => void operational.push({ ...event, number: operational.length + 1 });
  const receivers = webhooks.map((webhook) => new Receiving(webhook, luck, tell));
  for (const receiver of receivers) receiver.take(owedTo(receiver.webhook));
  for (const receiver of receivers) receiver.hear(operational);
  const replays = receivers.filter(({ webhook: { id } }) => REPLAYED.has(id)).map((receiver) => receiver.replay());
  return {
    webhooks: receivers.map(({ webhook }) => webhook),
    deliveries: receivers.flatMap(({ deliveries }) => [...deliveries.values()]),
    arrivals: receivers.flatMap(({ arrivals }) => arrivals),
    operational,
    replays,
  };
}

const REPLAYED = new Set(["wh_all", "wh_latest", "wh_batch"]);

class Receiving {
  readonly deliveries = new Map<string, DeliveryRow>();
  readonly arrivals: Arrival[] = [];
  readonly #items = new Map<string, Item>();

  constructor(
    public webhook: OwedWebhook,
    private readonly luck: Luck,
    private readonly tell: (event: Omit<OperationalRow, "number">) => void,
  ) {}

  take(changes: readonly Change[]): void {
    const { settings, id } = this.webhook;
    const owed = changes.map((change) => ({ item: itemOf(id, change), change }));
    for (const [place, { item, change }] of owed.entries()) {
      const isSuperseded = owed.some((other, later) => later > place && other.change.sensorId === change.sensorId);
      const isLeftOut = settings.mode === "latest" && isSuperseded && this.luck() < 50;
      this.#items.set(item.id, item);
      const { partition, number, sensorId, revision, detectedAt: plannedAt } = change;
      const end = isLeftOut ? { state: "coalesced", reason: "superseded" } : DELIVERED;
      this.deliveries.set(item.id, { id: item.id, webhookId: id, partition, number, sensorId, revision, plannedAt, ...end } as DeliveryRow);
    }
    const sent = owed.filter(({ item }) => this.deliveries.get(item.id)?.state === "delivered");
    if (settings.ordering === "none") sent.reverse();
    const takenAt = new Map<string, number>();
    for (let size = 1; sent.length > 0; size = 1 + (this.luck() % BATCH.maxItems)) {
      const group = sent.splice(0, settings.batch === null ? 1 : size);
      const [{ change }] = group as [(typeof group)[0]];
      const at = Math.max(change.detectedAt, (takenAt.get(change.sensorId) ?? 0) + settings.minIntervalSeconds * 1000);
      takenAt.set(change.sensorId, at);
      this.#send(
        group.map(({ item }) => item),
        at,
      );
    }
  }

  /** What is said of others, if it asks for it. */
  hear(events: readonly OperationalRow[]): void {
    const { id: webhookId, settings } = this.webhook;
    for (const event of events.filter(({ kind }) => settings.events.includes(kind))) {
      const { number, recordedAt } = event;
      const id = eventDeliveryId(webhookId, number);
      this.deliveries.set(id, {
        id,
        webhookId,
        partition: 0,
        number,
        sensorId: EVENTS_LANE,
        revision: 0,
        plannedAt: recordedAt,
        ...DELIVERED,
      });
      this.#arrive([{ id, payload: eventPayload(event) }], recordedAt, 204);
    }
  }

  /** All that was delivered arrives once more, what was refused is taken now, and of what was left out something comes for the first time. */
  replay(): Evidence["replays"][number] {
    const due = [...this.deliveries.values()];
    const taken = new Map(this.arrivals.filter(({ answered }) => answered === 204).map((arrival) => [arrival.deliveryId, arrival]));
    for (const arrival of taken.values()) this.arrivals.push({ ...arrival, at: REPLAYED_AT });
    for (const { id, state } of due) {
      const item = this.#items.get(id);
      if (state === "delivered" || item === undefined || (state === "coalesced" && this.luck() < 50)) continue;
      this.#arrive([item], REPLAYED_AT, 204);
      this.#end(id, DELIVERED);
    }
    const { id: webhookId } = this.webhook;
    const range = { askedAt: REPLAYED_AT, since: 0, until: REPLAYED_AT };
    const refused = due.filter(({ state }) => state === "failed").map(({ id }) => id);
    return { id: `rpl_${webhookId}`, webhookId, state: "done", replayed: due.length, ...range, due: due.map(({ id }) => id), refused };
  }

  /** Refused at first, or for good, or taken; sometimes an earlier one comes again. */
  #send(items: readonly Item[], at: number): void {
    const [{ id }] = items as [Item];
    if (this.webhook.id === "wh_gone") return this.#leave(id, items, at);
    if (items.length === 1 && this.luck() < 8) return this.#reject(id, items, at);
    if (this.luck() < 20) this.#arrive(items, at, this.luck() < 50 ? 500 : 0);
    this.#arrive(items, at, 204);
    const earlier = this.arrivals[this.luck()];
    if (this.luck() < 20 && earlier !== undefined) this.arrivals.push({ ...earlier, at });
  }

  #reject(id: string, items: readonly Item[], recordedAt: number): void {
    for (let attempt = 1; attempt <= 3; attempt += 1) this.#arrive(items, recordedAt, 422);
    this.#end(id, { state: "failed", reason: "rejected" });
    const data = JSON.stringify({ deliveryId: id, webhookId: this.webhook.id, reason: "rejected", attempts: 3 });
    this.tell({ kind: "delivery.failed", webhookId: this.webhook.id, recordedAt, data });
  }

  /** The first is answered by a 410, and nothing comes after it. */
  #leave(id: string, items: readonly Item[], recordedAt: number): void {
    if (this.webhook.state === "disabled") return this.#end(id, { state: "skipped", reason: "disabled" });
    this.#arrive(items, recordedAt, 410);
    this.#end(id, { state: "failed", reason: "disabled" });
    this.webhook = { ...this.webhook, state: "disabled" };
    const data = JSON.stringify({ webhookId: this.webhook.id, reason: "410 Gone" });
    this.tell({ kind: "webhook.disabled", webhookId: this.webhook.id, recordedAt, data });
  }

  #end(id: string, end: Pick<DeliveryRow, "state" | "reason">): void {
    this.deliveries.set(id, { ...(this.deliveries.get(id) as DeliveryRow), ...end });
  }

  #arrive(items: readonly Item[], at: number, answered: number): void {
    const { id: webhookId, settings } = this.webhook;
    const endpoint = endpointOf({ id: webhookId, url: "http://made-up.example/", settings }, CREDENTIALS);
    const message = settings.batch === null ? deliveryMessage(items[0] as Item, endpoint, at) : batchMessage(items, endpoint, at);
    this.arrivals.push({ webhookId, deliveryId: message.id, body: message.body, signatureValid: true, at, answered });
  }
}

const DELIVERED = { state: "delivered", reason: null } as const;
const CREDENTIALS = { headers: {}, auth: null, tls: null, signers: () => [] };

function itemOf(webhookId: string, change: Change): Item {
  const { partition, number, sensorId, kind, occurredAt, detectedAt } = change;
  const logged = { partition, number, sensorId, kind, occurredAt, recordedAt: detectedAt, data: JSON.stringify(changeData(change)) };
  return { id: deliveryId(webhookId, partition, number), payload: changePayload(logged) };
}
