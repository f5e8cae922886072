import type { Webhook } from "../domain/webhook";
import type { DueDelivery, Settlement } from "../store/store";
import type { Events } from "../telemetry/events";
import type { Bodies } from "./bodies";
import { judge, type Moment, type Outcome } from "./outcome";
import type { Owed } from "./owed";
import type { Recovery } from "./recovery";
import { deliveryMessage } from "./webhook/payload";
import type { Sender } from "./webhook/sender";

export interface Attempted {
  /** Null when nothing is known of it, and it is to be sent again: it was abandoned, or the store is away. */
  readonly settlement: Settlement | null;
  readonly timedOut: boolean;
}

/** One try of one delivery. Never rejects. */
export type Attempt = (delivery: DueDelivery, webhook: Webhook, signal: AbortSignal) => Promise<Attempted>;

export interface AttemptOptions {
  readonly sender: Pick<Sender, "send" | "endpointOf">;
  readonly bodies: Bodies;
  readonly owed: Pick<Owed, "disable">;
  readonly recovery: Pick<Recovery, "attempting" | "hold">;
  readonly isHeld: () => boolean;
  readonly moment: () => Moment;
  readonly events: Events;
}

export function createAttempt({ sender, bodies, owed, recovery, isHeld, moment, events }: AttemptOptions): Attempt {
  async function attempt(delivery: DueDelivery, webhook: Webhook, signal: AbortSignal): Promise<Attempted> {
    const kept = bodies.of(delivery.number);
    const payload = kept instanceof Promise ? await kept : kept;
    if (payload === null) return { settlement: endWithout(delivery), timedOut: false };
    recovery.attempting(webhook);
    const endpoint = sender.endpointOf(webhook);
    const sent = await sender.send(deliveryMessage({ id: delivery.id, payload }, endpoint, Date.now()), { signal, mayDial: isHeld });
    if (sent === null) return NOTHING_KNOWN;
    const outcome = judge(sent.reply, delivery, moment());
    if (outcome.kind === "retry" && outcome.heldUntil !== null) recovery.hold(webhook, outcome.heldUntil);
    const verdict = outcome.kind === "gone" ? await verdictOfGone(webhook, delivery) : verdictOf(outcome);
    const timedOut = sent.reply.kind === "unanswered" && sent.reply.timedOut;
    return { settlement: { delivery, attempt: sent.attempt, verdict }, timedOut };
  }

  /** The webhook is disabled first: were it the other way round, the next of the lane might be sent in between. */
  async function verdictOfGone(webhook: Webhook, delivery: DueDelivery): Promise<Settlement["verdict"]> {
    if (await owed.disable(webhook, "410 Gone")) return { kind: "failed", reason: "disabled" };
    return verdictOf(judge({ kind: "unanswered", statusCode: 410, error: "", timedOut: false }, delivery, moment()));
  }

  return async (delivery, webhook, signal) => {
    const startedAt = performance.now();
    events.attemptStarted();
    let ended = NOTHING_KNOWN;
    try {
      ended = await attempt(delivery, webhook, signal);
    } catch (error) {
      events.failed("delivery.attempt", error);
    }
    const { settlement } = ended;
    if (settlement === null) events.attemptAbandoned();
    else events.attemptEnded(settlement.verdict.kind, (performance.now() - startedAt) / 1000);
    return ended;
  };
}

const NOTHING_KNOWN: Attempted = { settlement: null, timedOut: false };

/** Its change was pruned: it was asked for again by hand, long after. */
function endWithout(delivery: DueDelivery): Settlement {
  return { delivery, attempt: null, verdict: { kind: "failed", reason: "unavailable" } };
}

function verdictOf(outcome: Outcome): Settlement["verdict"] {
  switch (outcome.kind) {
    case "delivered":
      return { kind: "delivered" };
    case "gone":
      return { kind: "failed", reason: "disabled" };
    case "retry":
      return { kind: "retry", nextAttemptAt: outcome.nextAttemptAt, rejected: outcome.rejected };
    case "failed":
      return { kind: "failed", reason: outcome.reason, nextAttemptAt: outcome.nextAttemptAt };
  }
}
