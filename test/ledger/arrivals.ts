import { type Books, type Finding, groupBy, placeKey } from "./books";
import type { Arrival, DeliveryRow } from "./evidence";
import { expectedBody } from "./publications";

/** What a receiver saw: one id and one body for each change, and each sensor's changes for the first time in their order. */
export function* checkArrivals(books: Books): Iterable<Finding> {
  const deliveries = new Map(books.evidence.deliveries.map((delivery) => [delivery.id, delivery]));
  for (const [webhookId, arrivals] of groupBy(books.evidence.arrivals, (arrival) => arrival.webhookId)) {
    const receiver = new Receiver(books, webhookId, deliveries);
    for (const arrival of arrivals) yield* receiver.take(arrival);
  }
}

class Receiver {
  readonly #bodies = new Map<string, string>();
  readonly #ids = new Map<string, string>();
  readonly #revisions = new Map<string, number>();

  constructor(
    private readonly books: Books,
    private readonly webhookId: string,
    private readonly deliveries: ReadonlyMap<string, DeliveryRow>,
  ) {}

  *take({ deliveryId, body, signatureValid, at }: Arrival): Iterable<Finding> {
    const said = readBody(body);
    const sensorId = said?.sensorId ?? null;
    const name = `${deliveryId} at ${this.webhookId}, ${new Date(at).toISOString()},`;
    if (!signatureValid) yield { kind: "arrival.unsigned", sensorId, message: `${name} is not signed by a secret of the webhook` };
    const before = this.#bodies.get(deliveryId);
    if (before !== undefined && before !== body)
      yield { kind: "arrival.twoBodies", sensorId, message: `${name} says ${body}, but said ${before}` };
    const repeated = before !== undefined;
    this.#bodies.set(deliveryId, body);
    const delivery = this.deliveries.get(deliveryId);
    if (delivery === undefined || delivery.webhookId !== this.webhookId) {
      yield { kind: "arrival.unknown", sensorId, message: `${name} is no delivery that was planned for it` };
    } else {
      const entry = this.books.byNumber.get(placeKey(delivery.partition, delivery.number));
      if (entry === undefined || expectedBody(entry) !== body) yield { kind: "arrival.wrong", sensorId, message: `${name} says ${body}` };
    }
    if (said === null || repeated) return;
    yield* this.#takeFirst(said, deliveryId, name);
  }

  *#takeFirst({ sensorId, changeId, revision }: Said, deliveryId: string, name: string): Iterable<Finding> {
    const other = this.#ids.get(changeId);
    if (other !== undefined) yield { kind: "arrival.twoIds", sensorId, message: `${name} brings ${changeId}, which came as ${other}` };
    this.#ids.set(changeId, deliveryId);
    const last = this.#revisions.get(sensorId) ?? 0;
    if (revision < last)
      yield { kind: "arrival.disordered", sensorId, message: `${name} brings revision ${revision} for the first time, after ${last}` };
    this.#revisions.set(sensorId, Math.max(last, revision));
  }
}

interface Said {
  readonly sensorId: string;
  readonly changeId: string;
  readonly revision: number;
}

/** Null when it is no change. */
function readBody(body: string): Said | null {
  try {
    const { sensorId, changeId, revision } = (JSON.parse(body) as { data: Partial<Said> }).data;
    return sensorId === undefined || changeId === undefined || revision === undefined ? null : { sensorId, changeId, revision };
  } catch {
    return null;
  }
}
