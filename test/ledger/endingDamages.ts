import { openBooks } from "./books";
import { type Damage, withChosen } from "./damage";
import { isRejected } from "./endings";
import { type DeliveryRow, EVENTS_LANE, type Evidence } from "./evidence";
import { ended, of, without } from "./senderDamages";

/** What can go wrong with endings, with what the service says of itself, and with what is asked for once more. */
export const ENDING_DAMAGES: readonly Damage[] = [
  {
    name: "a delivery ends as rejected that was not refused three times",
    kind: "delivery.givenUp",
    damage: (evidence, pick) => withChosen(of(evidence, isAny), pick, (one) => ended(without(evidence, one), one, "failed", "rejected")),
  },
  {
    name: "a delivery ends as expired after a moment",
    kind: "delivery.givenUp",
    damage: (evidence, pick) => withChosen(of(evidence, isAny), pick, (one) => ended(evidence, one, "failed", "expired")),
  },
  {
    name: "a delivery is skipped although its webhook was never gone",
    kind: "delivery.givenUp",
    damage: (evidence, pick) => withChosen(of(evidence, isAny), pick, (one) => ended(evidence, one, "skipped", "disabled")),
  },
  {
    name: "a webhook is disabled that never said that it is gone",
    kind: "webhook.disabled",
    damage: (evidence, pick) =>
      withChosen(
        evidence.webhooks.filter(({ state }) => state === "active"),
        pick,
        (one) => ({
          ...evidence,
          webhooks: evidence.webhooks.map((webhook) => (webhook === one ? { ...webhook, state: "disabled" } : webhook)),
        }),
      ),
  },
  {
    name: "a fact is told twice",
    kind: "event.doubled",
    damage: (evidence, pick) =>
      withChosen(evidence.operational, pick, (event) => ({
        ...evidence,
        operational: [...evidence.operational, { ...event, number: event.number + 1_000_000 }],
      })),
  },
  {
    name: "a failure is not told",
    kind: "event.missing",
    damage: (evidence, pick) =>
      withChosen(evidence.operational, pick, (event) => ({
        ...evidence,
        operational: evidence.operational.filter((one) => one !== event),
        deliveries: evidence.deliveries.filter(({ sensorId, number }) => sensorId !== EVENTS_LANE || number !== event.number),
      })),
  },
  {
    name: "a failure is told that never was",
    kind: "event.unfounded",
    damage: (evidence, pick) =>
      withChosen(neverRefused(evidence), pick, ({ id: deliveryId, webhookId }) => {
        const data = JSON.stringify({ deliveryId, webhookId, attempts: 1 });
        return {
          ...evidence,
          operational: [...evidence.operational, { number: 1_000, kind: "delivery.failed", webhookId, recordedAt: 0, data }],
        };
      }),
  },
  {
    name: "an event is not planned for whoever asks",
    kind: "delivery.missing",
    damage: (evidence, pick) =>
      withChosen(
        evidence.deliveries.filter(({ sensorId }) => sensorId === EVENTS_LANE),
        pick,
        (lost) => ({ ...without(evidence, lost), deliveries: evidence.deliveries.filter((one) => one !== lost) }),
      ),
  },
  {
    name: "a replay does not come to its end",
    kind: "replay.unfinished",
    damage: (evidence, pick) =>
      withChosen(evidence.replays, pick, (replay) => ({
        ...evidence,
        replays: evidence.replays.map((one) => (one === replay ? { ...one, state: "running" } : one)),
      })),
  },
  {
    name: "what was to be sent again does not come again",
    kind: "replay.missed",
    damage: (evidence, pick) =>
      withChosen(
        evidence.replays.filter(({ due }) => due.length > 0),
        pick,
        ({ webhookId, askedAt }) => ({
          ...evidence,
          arrivals: evidence.arrivals.filter((arrival) => arrival.webhookId !== webhookId || arrival.at < askedAt),
          deliveries: evidence.deliveries.map((one) =>
            one.webhookId === webhookId && one.state === "coalesced" ? { ...one, state: "delivered", reason: null } : one,
          ),
        }),
      ),
  },
];

/** What was refused and then sent again did fail, though it is delivered now. */
function neverRefused(evidence: Evidence): DeliveryRow[] {
  // Alone or in batches, as the ledger counts them.
  const { arrivals } = openBooks(evidence);
  return of(evidence, isAny).filter(({ id }) => !isRejected(arrivals.get(id)));
}

function isAny(): boolean {
  return true;
}
