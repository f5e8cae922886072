import { EVENTS_LANE } from "../domain/delivery";
import type { Webhook } from "../domain/webhook";
import type { DueDelivery, Settlement } from "../store/store";
import type { Events } from "../telemetry/events";
import type { Bodies } from "./bodies";
import { isOver, isRejection, judge, type Moment, type Outcome, type Reply, resultOf } from "./outcome";
import type { Owed } from "./owed";
import type { Result } from "./webhook/circuit";
import { batchMessage, deliveryMessage, type Item } from "./webhook/payload";
import type { Sender, Sent } from "./webhook/sender";

/** A webhook that had no success for so long, failing, is disabled. */
export const DISABLED_AFTER_MS = 5 * 24 * 3600 * 1000;

/** A batch is closed by the change that brings it to so much JSON text, however few they are. */
export const BATCH_CHARS_MAX = 1024 * 1024;

export interface Attempted {
  /** Of what is left out nothing is known, and it is to be sent again: it was abandoned, or the store is away. */
  readonly settlements: readonly Settlement[];
  readonly result: Result | null;
  readonly timedOut: boolean;
  /** Until when the endpoint asked to be left alone. */
  readonly heldUntil: number | null;
  /** A batch that is to come again as it is: when. Null where each goes its own way. */
  readonly againAt: number | null;
  /** They would have made a batch too large, and were not sent. */
  readonly left: readonly DueDelivery[];
  /** A batch of several was refused for what it says: smaller ones may be taken. */
  readonly tooMuch: boolean;
}

/** One request with one delivery or, for a webhook that takes batches, several. Never rejects. */
export type Attempt = (deliveries: readonly DueDelivery[], webhook: Webhook, abort: AbortController) => Promise<Attempted>;

export interface AttemptOptions {
  readonly sender: Pick<Sender, "send" | "endpointOf">;
  readonly bodies: Bodies;
  readonly owed: Pick<Owed, "disable">;
  readonly isHeld: () => boolean;
  readonly moment: () => Moment;
  readonly events: Events;
}

export function createAttempt({ sender, bodies, owed, isHeld, moment, events }: AttemptOptions): Attempt {
  async function attempt(deliveries: readonly DueDelivery[], webhook: Webhook, abort: AbortController): Promise<Attempted> {
    const items: OwedItem[] = [];
    const gone: Settlement[] = [];
    let chars = 0;
    for (const delivery of deliveries) {
      if (chars >= BATCH_CHARS_MAX) break;
      const kept = bodies.of(delivery);
      const payload = kept instanceof Promise ? await kept : kept;
      if (payload === null) gone.push(endWithout(delivery));
      else items.push({ id: delivery.id, delivery, payload });
      chars += payload?.data.length ?? 0;
    }
    const [first] = items;
    if (first === undefined) return { ...NOTHING_KNOWN, settlements: gone };
    const endpoint = sender.endpointOf(webhook);
    const message = endpoint.batches ? batchMessage(items, endpoint, Date.now()) : deliveryMessage(first, endpoint, Date.now());
    const sent = await sender.send(message, { abort, mayDial: isHeld });
    if (sent === null) return { ...NOTHING_KNOWN, settlements: gone };
    const attempted = await attemptedOf(sent, items, webhook);
    const left = deliveries.slice(items.length + gone.length);
    return { ...attempted, left, settlements: [...gone, ...attempted.settlements] };
  }

  async function attemptedOf({ reply, attempt }: Sent, items: readonly OwedItem[], webhook: Webhook): Promise<Omit<Attempted, "left">> {
    const { retrySchedule } = webhook.settings;
    const at = { ...moment(), schedule: retrySchedule };
    const tooMuch = items.length > 1 && isRejection(reply);
    const outcome = judge(reply, judgedAs(items, webhook, { rejected: isRejection(reply), now: at.now }), at);
    const result = resultOf(reply);
    const known = {
      result,
      timedOut: reply.kind === "unanswered" && reply.timedOut,
      heldUntil: outcome.kind === "retry" ? outcome.heldUntil : null,
      againAt: webhook.settings.batch !== null && outcome.kind === "retry" ? (tooMuch ? at.now : outcome.nextAttemptAt) : null,
      tooMuch,
    };
    const ended = await endOfWebhook(outcome, webhook, at.now);
    const settlements = items.map(({ delivery }): Settlement => {
      const verdict = ended ?? verdictOf(outcome, { delivery, webhook, now: at.now, tooMuch });
      return { delivery, attempt, verdict };
    });
    return { ...known, settlements };
  }

  /** The webhook is disabled before anything is settled: were it the other way round, the next of the lane might be sent in between. */
  async function endOfWebhook(outcome: Outcome, webhook: Webhook, now: number): Promise<Settlement["verdict"] | null> {
    const reason = reasonToDisable(outcome, webhook, now);
    return reason !== null && (await owed.disable(webhook, reason)) ? { kind: "failed", reason: "disabled" } : null;
  }

  return async (deliveries, webhook, abort) => {
    const startedAt = performance.now();
    events.attemptStarted();
    let ended = NOTHING_KNOWN;
    try {
      ended = await attempt(deliveries, webhook, abort);
    } catch (error) {
      events.failed("delivery.attempt", error);
    }
    const last = ended.settlements.at(-1);
    if (last === undefined) events.attemptAbandoned();
    else events.attemptEnded(last.verdict.kind, (performance.now() - startedAt) / 1000);
    return ended;
  };
}

/** Of a batch none is known to be wrong. One that stands alone at last has been refused as often as it stood alone. */
function judgedAs(items: readonly OwedItem[], { settings }: Webhook, reply: { readonly rejected: boolean; readonly now: number }) {
  const [{ delivery }] = items as [OwedItem];
  if (items.length > 1) return { ...delivery, plannedAt: reply.now, rejections: 0 };
  return settings.batch !== null && reply.rejected ? { ...delivery, laneFailures: delivery.rejections } : delivery;
}

const NOTHING_KNOWN: Attempted = {
  settlements: [],
  result: null,
  timedOut: false,
  heldUntil: null,
  againAt: null,
  left: [],
  tooMuch: false,
};
/** A 410 of an endpoint that was edited meanwhile is a failure like any other. */
const GONE: Reply = { kind: "unanswered", statusCode: 410, error: "", timedOut: false };

/** Its change was pruned: it was asked for again by hand, long after. */
function endWithout(delivery: DueDelivery): Settlement {
  return { delivery, attempt: null, verdict: { kind: "failed", reason: "unavailable" } };
}

function reasonToDisable(outcome: Outcome, { failingSince }: Webhook, now: number): string | null {
  if (outcome.kind === "gone") return "410 Gone";
  if (outcome.kind === "delivered" || failingSince === null || now - failingSince < DISABLED_AFTER_MS) return null;
  return `no success since ${new Date(failingSince).toISOString()}`;
}

/** A delivery and what it says. */
interface OwedItem extends Item {
  readonly delivery: DueDelivery;
}

interface Circumstances {
  readonly delivery: DueDelivery;
  readonly webhook: Webhook;
  readonly now: number;
  readonly tooMuch: boolean;
}

function verdictOf(outcome: Outcome, circumstances: Circumstances): Settlement["verdict"] {
  const { delivery, webhook, now, tooMuch } = circumstances;
  const { settings } = webhook;
  switch (outcome.kind) {
    case "delivered":
      // Of operational events none stands for another.
      return settings.minIntervalSeconds > 0 && delivery.sensorId !== EVENTS_LANE
        ? { kind: "delivered", nextAttemptAt: now + settings.minIntervalSeconds * 1000 }
        : { kind: "delivered" };
    case "gone":
      return verdictOf(judge(GONE, delivery, { now, random: 0, schedule: settings.retrySchedule }), circumstances);
    case "retry":
      if (settings.batch === null) {
        const { nextAttemptAt, rejected, heldUntil } = outcome;
        return { kind: "retry", nextAttemptAt, rejected, heldUntil };
      }
      if (isOver(delivery, now)) return { kind: "failed", reason: "expired" };
      return {
        kind: "retry",
        nextAttemptAt: null,
        rejected: outcome.rejected && !tooMuch,
        heldUntil: outcome.heldUntil,
        inPieces: tooMuch,
      };
    case "failed":
      return { kind: "failed", reason: outcome.reason, nextAttemptAt: outcome.nextAttemptAt };
  }
}
