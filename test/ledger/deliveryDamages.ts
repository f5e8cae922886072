import { SETTINGS_DEFAULT } from "../../src/domain/webhook";
import { type Damage, withChosen } from "./damage";
import type { Arrival, DeliveryRow, Evidence } from "./evidence";
import { matches } from "./matching";

/** What can go wrong after a change was recorded. */
export const DELIVERY_DAMAGES: readonly Damage[] = [
  {
    name: "a change is not published",
    kind: "publication.missing",
    damage: (evidence, pick) =>
      withChosen(evidence.published, pick, (lost) => ({ ...evidence, published: evidence.published.filter((one) => one !== lost) })),
  },
  {
    name: "a change is published twice",
    kind: "publication.doubled",
    damage: (evidence, pick) =>
      withChosen(evidence.published, pick, (one) => ({
        ...evidence,
        published: [...evidence.published, { ...one, sequence: one.sequence + 1_000_000 }],
      })),
  },
  {
    name: "two changes are published in the wrong order",
    kind: "publication.disordered",
    damage: (evidence, pick) =>
      withChosen(
        evidence.published.filter(({ sequence }) => sequence > 1),
        pick,
        (late) => ({
          ...evidence,
          published: evidence.published.map((one) => (one === late ? { ...one, sequence: one.sequence - 1.5 } : one)),
        }),
      ),
  },
  {
    name: "a change is published with another body",
    kind: "publication.wrong",
    damage: (evidence, pick) =>
      withChosen(evidence.published, pick, (one) => ({
        ...evidence,
        published: evidence.published.map((other) => (other === one ? { ...one, body: "{}" } : other)),
      })),
  },
  {
    name: "something is published that was never recorded",
    kind: "publication.unfounded",
    damage: (evidence, pick) =>
      withChosen(evidence.published, pick, (one) => ({
        ...evidence,
        published: [...evidence.published, { ...one, sequence: 1_000_000, msgId: `${one.partition}:1000000` }],
      })),
  },
  {
    name: "a delivery is planned outside the commit of its cursor and lost",
    kind: "delivery.missing",
    damage: (evidence, pick) =>
      withChosen(evidence.deliveries, pick, (lost) => ({
        ...evidence,
        deliveries: evidence.deliveries.filter((one) => one !== lost),
        arrivals: evidence.arrivals.filter(({ deliveryId }) => deliveryId !== lost.id),
      })),
  },
  { name: "a delivery is still owed", kind: "delivery.open", damage: (evidence, pick) => ending(evidence, pick, { state: "pending" }) },
  {
    name: "a delivery failed without a reason",
    kind: "delivery.unexplained",
    damage: (evidence, pick) => ending(evidence, pick, { state: "failed", reason: null }),
  },
  {
    name: "a delivery belongs to another revision",
    kind: "delivery.wrong",
    damage: (evidence, pick) =>
      withChosen(takenAlone(evidence), pick, (delivery) => ({
        ...evidence,
        deliveries: evidence.deliveries.map((one) => (one === delivery ? { ...one, revision: 1_000_000 } : one)),
      })),
  },
  {
    name: "a delivery counts as delivered although no answer was 2xx",
    kind: "delivery.unarrived",
    damage: (evidence, pick) =>
      withChosen(takenAlone(evidence), pick, ({ id }) => ({
        ...evidence,
        arrivals: evidence.arrivals.map((arrival) => (arrival.deliveryId === id ? { ...arrival, answered: 500 } : arrival)),
      })),
  },
  {
    name: "a change that does not match is delivered",
    kind: "delivery.unowed",
    damage: (evidence, pick) =>
      withChosen(unwanted(evidence), pick, ({ delivery, arrival }) => ({
        ...evidence,
        deliveries: [...evidence.deliveries, delivery],
        arrivals: [...evidence.arrivals, arrival],
      })),
  },
  {
    name: "a delivery is planned twice",
    kind: "delivery.doubled",
    damage: (evidence, pick) =>
      withChosen(evidence.deliveries, pick, (one) => ({ ...evidence, deliveries: [...evidence.deliveries, { ...one, id: `${one.id}x` }] })),
  },
  {
    name: "one change comes under two ids",
    kind: "arrival.twoIds",
    damage: (evidence, pick) =>
      withChosen(evidence.arrivals, pick, (arrival) => ({
        ...evidence,
        arrivals: [...evidence.arrivals, { ...arrival, deliveryId: `${arrival.deliveryId}x` }],
      })),
  },
  {
    name: "an arrival under an id that nobody planned",
    kind: "arrival.unknown",
    damage: (evidence, pick) => {
      const own = new Set(takenAlone(evidence).map(({ id }) => id));
      const arrivals = evidence.arrivals.filter(({ deliveryId }) => own.has(deliveryId));
      return withChosen(arrivals, pick, (arrival) => ({
        ...evidence,
        arrivals: evidence.arrivals.map((one) => (one === arrival ? { ...one, deliveryId: "made-up" } : one)),
      }));
    },
  },
  {
    name: "one id brings two bodies",
    kind: "arrival.twoBodies",
    damage: (evidence, pick) =>
      withChosen(evidence.arrivals, pick, (arrival) => ({
        ...evidence,
        arrivals: [...evidence.arrivals, { ...arrival, body: arrival.body.replace("{", "{ ") }],
      })),
  },
  {
    name: "an id brings another change",
    kind: "arrival.wrong",
    damage: (evidence, pick) => arriving(evidence, pick, (arrival) => ({ ...arrival, body: arrival.body.replace("{", "{ ") })),
  },
  {
    name: "a body is not signed by the webhook's secret",
    kind: "arrival.unsigned",
    damage: (evidence, pick) => arriving(evidence, pick, (arrival) => ({ ...arrival, signatureValid: false })),
  },
  {
    name: "two changes of a sensor arrive for the first time in the wrong order",
    kind: "arrival.disordered",
    damage: (evidence, pick) =>
      withChosen(lanes(takenAlone(evidence)), pick, ([one, other]) => {
        const id = (arrival: Arrival) => {
          if (arrival.deliveryId === one.id) return other.id;
          return arrival.deliveryId === other.id ? one.id : arrival.deliveryId;
        };
        const bodies = new Map(evidence.arrivals.map(({ deliveryId, body }) => [deliveryId, body]));
        return {
          ...evidence,
          arrivals: evidence.arrivals.map((arrival) => ({ ...arrival, deliveryId: id(arrival), body: bodies.get(id(arrival)) as string })),
        };
      }),
  },
];

function ending(evidence: Evidence, pick: number, fields: Partial<DeliveryRow>): Evidence | null {
  return withChosen(evidence.deliveries, pick, (delivery) => ({
    ...evidence,
    deliveries: evidence.deliveries.map((one) => (one === delivery ? { ...one, ...fields } : one)),
  }));
}

function arriving(evidence: Evidence, pick: number, change: (arrival: Arrival) => Arrival): Evidence | null {
  return withChosen(evidence.arrivals, pick, (arrival) => ({
    ...evidence,
    arrivals: evidence.arrivals.map((one) => (one === arrival ? change(one) : one)),
  }));
}

/** Delivered, each in requests of its own, of the changes of a sensor one after the other. */
function takenAlone({ webhooks, deliveries }: Evidence): DeliveryRow[] {
  const usual = new Set(webhooks.filter(({ settings }) => Bun.deepEquals(settings, SETTINGS_DEFAULT)).map(({ id }) => id));
  return deliveries.filter(({ webhookId, state }) => state === "delivered" && usual.has(webhookId));
}

/** Pairs of deliveries in one lane. */
function lanes(deliveries: readonly DeliveryRow[]): [DeliveryRow, DeliveryRow][] {
  return deliveries.flatMap((one) => {
    const later = deliveries.find(
      ({ webhookId, sensorId, revision }) => webhookId === one.webhookId && sensorId === one.sensorId && revision > one.revision,
    );
    return later === undefined ? [] : [[one, later] as [DeliveryRow, DeliveryRow]];
  });
}

function unwanted({ webhooks, changes, arrivals }: Evidence): { delivery: DeliveryRow; arrival: Arrival }[] {
  return webhooks.flatMap((webhook) =>
    changes
      .filter(({ data }) => !matches(webhook.filter, JSON.parse(data)))
      .map(({ partition, number, sensorId, revision }) => {
        const id = `${webhook.id}_${partition}_${number}`;
        const delivery: DeliveryRow = {
          id,
          webhookId: webhook.id,
          partition,
          number,
          sensorId,
          revision,
          state: "delivered",
          reason: null,
          plannedAt: 0,
        };
        const body = arrivals.find((arrival) => arrival.deliveryId.endsWith(`_${partition}_${number}`))?.body ?? "{}";
        return { delivery, arrival: { webhookId: webhook.id, deliveryId: id, body, signatureValid: true, at: 0, answered: 204 } };
      }),
  );
}
