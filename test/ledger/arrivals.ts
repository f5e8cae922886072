import { type Books, type Finding, groupBy, placeKey } from "./books";
import { type Arrival, type DeliveryRow, EVENTS_LANE, type OperationalRow, type OwedWebhook, type ReplayRow } from "./evidence";
import { changeContent, type Content, eventContent, expectedBody, type Item } from "./messages";

/**
 * What a receiver saw: one id and one body for each change (and for each composition of a batch), and, where order was promised, each
 * sensor's changes for the first time in their order.
 */
export function* checkArrivals(books: Books): Iterable<Finding> {
  const events = new Map(books.evidence.operational.map((event) => [event.number, event]));
  for (const [webhookId, arrivals] of groupBy(books.evidence.arrivals, (arrival) => arrival.webhookId)) {
    const webhook = books.webhooks.get(webhookId);
    const receiver = new Receiver(books, events, webhook);
    for (const arrival of arrivals) yield* receiver.take(arrival);
  }
}

class Receiver {
  readonly #bodies = new Map<string, string>();
  /** Under which id each body, and each change, came. */
  readonly #idsOfBodies = new Map<string, string>();
  readonly #ids = new Map<string, string>();
  readonly #revisions = new Map<string, number>();
  readonly #replays: readonly ReplayRow[];

  constructor(
    private readonly books: Books,
    private readonly events: ReadonlyMap<number, OperationalRow>,
    private readonly webhook: OwedWebhook | undefined,
  ) {
    this.#replays = books.evidence.replays.filter(({ webhookId }) => webhookId === webhook?.id);
  }

  *take(arrival: Arrival): Iterable<Finding> {
    const { deliveryId, body, signatureValid, at } = arrival;
    const items = this.books.items.get(arrival) ?? [];
    const sensorId = items[0]?.said?.sensorId ?? null;
    const name = `${deliveryId} at ${arrival.webhookId}, ${new Date(at).toISOString()},`;
    if (!signatureValid) yield { kind: "arrival.unsigned", sensorId, message: `${name} is not signed by a secret of the webhook` };
    const before = this.#bodies.get(deliveryId);
    if (before !== undefined && before !== body)
      yield { kind: "arrival.twoBodies", sensorId, message: `${name} says ${body}, but said ${before}` };
    this.#bodies.set(deliveryId, body);
    const other = this.#idsOfBodies.get(body) ?? deliveryId;
    if (other !== deliveryId) yield { kind: "arrival.twoIds", sensorId, message: `${name} brings what came as ${other}` };
    this.#idsOfBodies.set(body, deliveryId);
    yield* this.#checkItems(arrival, items, name);
    for (const item of items) yield* this.#takeItem(item, at, name);
  }

  *#checkItems({ body }: Arrival, items: readonly Item[], name: string): Iterable<Finding> {
    const contents: (Content & { id: string })[] = [];
    for (const { id, said } of items) {
      const delivery = this.books.deliveries.get(id);
      if (delivery === undefined || delivery.webhookId !== this.webhook?.id) {
        yield { kind: "arrival.unknown", sensorId: said?.sensorId ?? null, message: `${name} brings ${id}, which was not planned for it` };
        return;
      }
      const content = this.#contentOf(delivery);
      if (content !== null) contents.push({ ...content, id });
    }
    const isRight =
      this.webhook !== undefined &&
      contents.length > 0 &&
      contents.length === items.length &&
      expectedBody(this.webhook, contents) === body;
    if (!isRight) yield { kind: "arrival.wrong", sensorId: items[0]?.said?.sensorId ?? null, message: `${name} says ${body}` };
  }

  /** Null for what was never recorded. */
  #contentOf({ sensorId, partition, number }: DeliveryRow): Content | null {
    if (sensorId === EVENTS_LANE) {
      const event = this.events.get(number);
      return event === undefined ? null : eventContent(event);
    }
    const entry = this.books.byNumber.get(placeKey(partition, number));
    return entry === undefined ? null : changeContent(entry);
  }

  *#takeItem({ id, said }: Item, at: number, name: string): Iterable<Finding> {
    if (said === null) return;
    const { sensorId, changeId, revision } = said;
    const other = this.#ids.get(changeId);
    if (other === id) return;
    if (other !== undefined)
      yield { kind: "arrival.twoIds", sensorId, message: `${name} brings ${changeId} as ${id}, which came as ${other}` };
    this.#ids.set(changeId, id);
    if (this.webhook?.settings.ordering === "none") return;
    const last = this.#revisions.get(sensorId) ?? 0;
    if (revision < last && !this.#isReplayed(id, at))
      yield { kind: "arrival.disordered", sensorId, message: `${name} brings revision ${revision} for the first time, after ${last}` };
    this.#revisions.set(sensorId, Math.max(last, revision));
  }

  /** Whether it may come for the first time out of order: it was asked for once more after its lane had gone on. */
  #isReplayed(id: string, at: number): boolean {
    const plannedAt = this.books.deliveries.get(id)?.plannedAt ?? 0;
    return this.#replays.some(({ since, until, askedAt }) => since <= plannedAt && plannedAt < until && askedAt <= at);
  }
}
