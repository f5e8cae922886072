import { type Books, type Finding, groupBy } from "./books";
import { type Arrival, type DeliveryRow, EVENTS_LANE, type OwedWebhook } from "./evidence";

/** Answers that speak of the message; so many of them end its delivery. */
const REJECTING: ReadonlySet<number> = new Set([400, 413, 415, 422]);
const REJECTIONS = 3;
const GONE = 410;

/** Every delivery was seen to be taken, or ended in a state and with a reason that its webhook and its endpoint's answers explain. */
export function* checkEndings(books: Books): Iterable<Finding> {
  const gone = new Set(books.evidence.arrivals.filter(({ answered }) => answered === GONE).map(({ webhookId }) => webhookId));
  for (const { id, state } of books.evidence.webhooks)
    if (state === "disabled" && !gone.has(id))
      yield { kind: "webhook.disabled", sensorId: null, message: `${id} is disabled, although its endpoint never said that it is gone` };
  const newest = newestOf(books.evidence.deliveries);
  for (const delivery of books.evidence.deliveries) {
    const { id, webhookId, sensorId } = delivery;
    const known = { webhook: books.webhooks.get(webhookId), arrivals: books.arrivals.get(id) ?? [], isGone: gone.has(webhookId) };
    const wrong = wrongEnd(delivery, { ...known, isNewest: newest.get(laneOf(delivery)) === delivery.revision });
    if (wrong !== null) yield { ...wrong, sensorId: sensorId === EVENTS_LANE ? null : sensorId, message: `${id} ${wrong.message}` };
  }
}

function newestOf(deliveries: readonly DeliveryRow[]): Map<string, number> {
  const lanes = groupBy(deliveries, laneOf);
  return new Map([...lanes].map(([lane, own]) => [lane, own.reduce((highest, { revision }) => Math.max(highest, revision), 0)]));
}

function laneOf({ webhookId, sensorId }: DeliveryRow): string {
  return `${webhookId} ${sensorId}`;
}

interface Known {
  readonly webhook: OwedWebhook | undefined;
  readonly arrivals: readonly Arrival[];
  /** Its endpoint said so once. */
  readonly isGone: boolean;
  readonly isNewest: boolean;
}

function wrongEnd({ state, reason, sensorId }: DeliveryRow, known: Known): Pick<Finding, "kind" | "message"> | null {
  const { webhook, arrivals, isGone, isNewest } = known;
  if (state === "pending") return { kind: "delivery.open", message: "is still owed" };
  if (state === "delivered") {
    const isTaken = arrivals.some(({ answered, signatureValid }) => signatureValid && answered >= 200 && answered < 300);
    return isTaken ? null : { kind: "delivery.unarrived", message: "counts as delivered, but no arrival of it was taken" };
  }
  if (reason === null || reason === "") return { kind: "delivery.unexplained", message: `ended as ${state} without a reason` };
  if (state === "coalesced") {
    if (webhook?.settings.mode !== "latest" || sensorId === EVENTS_LANE)
      return { kind: "delivery.coalesced", message: "was left out for a newer one, but all were wanted" };
    return isNewest ? { kind: "delivery.coalesced", message: "was left out for a newer one, and there is none" } : null;
  }
  const isFounded = reason === "disabled" ? isGone : state === "failed" && reason === "rejected" && isRejected(arrivals);
  const answers = arrivals.map(({ answered }) => answered).join(", ");
  return isFounded ? null : { kind: "delivery.givenUp", message: `ended as ${state} (${reason}); it was answered ${answers}` };
}

/** Whether a delivery's endpoint refused it for what it says, as often as ends it. */
export function isRejected(arrivals: readonly Arrival[] = []): boolean {
  return arrivals.filter(({ answered }) => REJECTING.has(answered)).length >= REJECTIONS;
}
