import { type Books, type Finding, groupBy } from "./books";
import { isRejected } from "./endings";
import { EVENTS_LANE, type OperationalRow } from "./evidence";

const TOLD_REASONS: ReadonlySet<string | null> = new Set(["rejected", "expired", "unavailable"]);

/** Each fact is told once to each webhook that asks for its kind, and is not about that webhook itself. */
export function* checkOperational(books: Books): Iterable<Finding> {
  yield* checkFacts(books);
  yield* checkFailures(books);
  yield* checkDisabled(books);
  yield* checkOwed(books);
}

/** Nothing that happened once stands there twice. */
function* checkFacts({ evidence }: Books): Iterable<Finding> {
  for (const [fact, [first, second]] of groupBy(evidence.operational, factOf))
    if (second !== undefined) yield wrong("event.doubled", second, `says ${fact} once more, after ${first?.number}`);
}

/** What happened, by what is said of it: the same delivery may fail again once it was sent again, after other attempts. */
function factOf({ kind, webhookId, data }: OperationalRow): string {
  const said = JSON.parse(data) as { deliveryId?: string; attempts?: number; failingSince?: string };
  if (kind === "delivery.failed") return `${kind} ${said.deliveryId} ${said.attempts}`;
  return kind === "webhook.failing" ? `${kind} ${webhookId} ${said.failingSince}` : `${kind} ${webhookId}`;
}

function* checkFailures({ evidence, deliveries, arrivals }: Books): Iterable<Finding> {
  const told = new Set<string>();
  for (const event of evidence.operational.filter(({ kind }) => kind === "delivery.failed")) {
    const { deliveryId } = JSON.parse(event.data) as { deliveryId: string };
    told.add(deliveryId);
    const delivery = deliveries.get(deliveryId);
    // It may have been sent again since.
    const isTrue = delivery?.webhookId === event.webhookId && (delivery.state === "failed" || isRejected(arrivals.get(deliveryId)));
    if (!isTrue) yield wrong("event.unfounded", event, `says that ${deliveryId} failed, which it did not`);
  }
  const refused = new Set(evidence.replays.flatMap((replay) => replay.refused));
  for (const { id, webhookId, sensorId, state, reason } of evidence.deliveries) {
    const hasFailed = refused.has(id) || (state === "failed" && TOLD_REASONS.has(reason));
    const isTold = hasFailed && sensorId !== EVENTS_LANE;
    if (isTold && !told.has(id) && isAsked(evidence.webhooks, "delivery.failed", webhookId))
      yield { kind: "event.missing", sensorId, message: `nobody was told that ${id} failed` };
  }
}

function* checkDisabled({ evidence }: Books): Iterable<Finding> {
  const told = evidence.operational.filter(({ kind }) => kind === "webhook.disabled");
  for (const { id, state } of evidence.webhooks) {
    const own = told.filter(({ webhookId }) => webhookId === id);
    if (state === "disabled" && own.length === 0 && isAsked(evidence.webhooks, "webhook.disabled", id))
      yield { kind: "event.missing", sensorId: null, message: `nobody was told that ${id} is disabled` };
    if (state !== "disabled") for (const event of own) yield wrong("event.unfounded", event, `says that ${id} is disabled`);
  }
}

/** Every event has its delivery at whoever asks, and nobody else has one. */
function* checkOwed({ evidence }: Books): Iterable<Finding> {
  const events = new Map(evidence.operational.map((event) => [event.number, event]));
  const planned = groupBy(
    evidence.deliveries.filter(({ sensorId }) => sensorId === EVENTS_LANE),
    ({ webhookId, number }) => `${webhookId} ${number}`,
  );
  for (const webhook of evidence.webhooks) {
    for (const event of events.values()) {
      const own = planned.get(`${webhook.id} ${event.number}`) ?? [];
      const said = `event ${event.number} (${event.kind}) for ${webhook.id}`;
      const isOwed = isAsked([webhook], event.kind, event.webhookId);
      if (isOwed && own.length === 0) yield { kind: "delivery.missing", sensorId: null, message: `${said} has no delivery` };
      if (!isOwed && own.length > 0) yield { kind: "delivery.unowed", sensorId: null, message: `${said} is planned, but is not owed` };
      if (own.length > 1) yield { kind: "delivery.doubled", sensorId: null, message: `${said} is planned ${own.length} times` };
    }
  }
}

function isAsked(webhooks: Books["evidence"]["webhooks"], kind: OperationalRow["kind"], of: string): boolean {
  return webhooks.some(({ id, settings }) => id !== of && settings.events.includes(kind));
}

function wrong(kind: Finding["kind"], { number }: OperationalRow, message: string): Finding {
  return { kind, sensorId: null, message: `event ${number} ${message}` };
}
