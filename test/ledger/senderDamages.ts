import { type Damage, withChosen } from "./damage";
import { type Arrival, type DeliveryRow, EVENTS_LANE, type Evidence, type OwedWebhook } from "./evidence";

/** What can go wrong where a webhook wants something else than every change by itself and in order. */
export const SENDER_DAMAGES: readonly Damage[] = [
  {
    name: "the newest of a sensor is left out as if there were a newer one",
    kind: "delivery.coalesced",
    damage: (evidence, pick) =>
      withChosen(newestOf(evidence, of(evidence, isLatest)), pick, (newest) =>
        ended(without(evidence, newest), newest, "coalesced", "superseded"),
      ),
  },
  {
    name: "a change is left out although its webhook wants every one",
    kind: "delivery.coalesced",
    damage: (evidence, pick) => {
      const others = of(evidence, ({ settings }) => settings.mode === "every").filter(({ sensorId }) => sensorId !== EVENTS_LANE);
      return withChosen(others, pick, (one) => ended(without(evidence, one), one, "coalesced", "superseded"));
    },
  },
  {
    name: "the latest of a sensor arrives before one that is older",
    kind: "arrival.disordered",
    damage: (evidence, pick) =>
      withChosen(firstPairs(evidence, isLatest), pick, ([one, later]) => ({
        ...evidence,
        arrivals: [{ ...later, at: 0 }, ...evidence.arrivals.filter((arrival) => arrival !== later)],
        replays: evidence.replays.filter(({ webhookId }) => webhookId !== one.webhookId),
      })),
  },
  {
    name: "a sensor's deliveries come closer to each other than their webhook wants",
    kind: "arrival.tooSoon",
    damage: (evidence, pick) => {
      const count = Map.groupBy(evidence.arrivals, ({ deliveryId }) => deliveryId);
      const pairs = firstPairs(evidence, ({ settings }) => settings.minIntervalSeconds > 0);
      const refused = new Set(
        evidence.deliveries.filter(({ id, state }) => id.startsWith("wh_spaced") && state === "failed").map(({ sensorId }) => sensorId),
      );
      const isClear = ({ deliveryId, answered, body }: Arrival) =>
        answered === 204 && count.get(deliveryId)?.length === 1 && ![...refused].some((sensorId) => body.includes(`"${sensorId}"`));
      const sensors = new Map(evidence.deliveries.map(({ id, sensorId }) => [id, sensorId]));
      const laneOf = ({ webhookId, deliveryId }: Arrival) => `${webhookId} ${sensors.get(deliveryId)}`;
      const lanes = Map.groupBy(evidence.arrivals, laneOf);
      // What comes again in between is what the later one is held against.
      const isNext = (one: Arrival, later: Arrival) => {
        const lane = lanes.get(laneOf(one)) ?? [];
        return lane[lane.indexOf(one) + 1] === later;
      };
      const once = pairs.filter((pair) => pair.every(isClear) && isNext(...pair));
      return withChosen(once, pick, ([one, later]) => ({
        ...evidence,
        arrivals: evidence.arrivals.map((arrival) => (arrival === later ? { ...later, at: one.at + 500 } : arrival)),
      }));
    },
  },
  {
    name: "a batch holds a sensor's changes in the wrong order",
    kind: "arrival.disordered",
    damage: (evidence, pick) =>
      withChosen(bodies(evidence).filter(hasTwoOfOne), pick, (batch) => saying(evidence, batch, itemsIn(batch).toReversed())),
  },
  {
    name: "a batch says something else under the same id",
    kind: "arrival.twoBodies",
    damage: (evidence, pick) =>
      withChosen(
        bodies(evidence).filter((batch) => itemsIn(batch).length > 1),
        pick,
        (batch) => ({
          ...evidence,
          arrivals: [...evidence.arrivals, { ...batch, body: textOf(batch, itemsIn(batch).toReversed()) }],
        }),
      ),
  },
  {
    name: "a batch comes under another id",
    kind: "arrival.twoIds",
    damage: (evidence, pick) =>
      withChosen(bodies(evidence), pick, (batch) => ({
        ...evidence,
        arrivals: [...evidence.arrivals, { ...batch, deliveryId: `${batch.deliveryId}x` }],
      })),
  },
  {
    name: "a batch holds what was never planned",
    kind: "arrival.unknown",
    damage: (evidence, pick) =>
      withChosen(bodies(evidence), pick, (batch) =>
        saying(
          evidence,
          batch,
          itemsIn(batch).map((item) => ({ ...item, id: "made-up" })),
        ),
      ),
  },
  {
    name: "an item of a batch says something else than its change",
    kind: "arrival.wrong",
    damage: (evidence, pick) =>
      withChosen(bodies(evidence), pick, (batch) =>
        saying(
          evidence,
          batch,
          itemsIn(batch).map((item) => ({ ...item, data: { ...item.data, cause: "operator" } })),
        ),
      ),
  },
  {
    name: "the items of a batch count as delivered although no answer to it was 2xx",
    kind: "delivery.unarrived",
    damage: (evidence, pick) =>
      withChosen(bodies(evidence), pick, ({ deliveryId }) => ({
        ...evidence,
        arrivals: evidence.arrivals.map((arrival) => (arrival.deliveryId === deliveryId ? { ...arrival, answered: 500 } : arrival)),
      })),
  },
  {
    name: "a CloudEvent names another delivery than its request",
    kind: "arrival.wrong",
    damage: (evidence, pick) =>
      withChosen(
        evidence.arrivals.filter(({ webhookId }) => webhookId === "wh_cloud"),
        pick,
        (one) => ({
          ...evidence,
          arrivals: evidence.arrivals.map((arrival) =>
            arrival === one ? { ...one, body: one.body.replace('"id":"', '"id":"x') } : arrival,
          ),
        }),
      ),
  },
  {
    name: "one of those without an order never arrives",
    kind: "delivery.unarrived",
    damage: (evidence, pick) =>
      withChosen(
        of(evidence, ({ settings }) => settings.ordering === "none"),
        pick,
        (one) => without(evidence, one),
      ),
  },
];

function isLatest({ settings }: OwedWebhook): boolean {
  return settings.mode === "latest";
}

/** What was delivered to webhooks of a kind. */
export function of({ webhooks, deliveries }: Evidence, isOfKind: (webhook: OwedWebhook) => boolean): DeliveryRow[] {
  const ids = new Set(webhooks.filter(isOfKind).map(({ id }) => id));
  return deliveries.filter(({ webhookId, state }) => state === "delivered" && ids.has(webhookId));
}

function newestOf({ deliveries }: Evidence, among: readonly DeliveryRow[]): DeliveryRow[] {
  return among.filter(
    ({ webhookId, sensorId, revision }) =>
      !deliveries.some((other) => other.webhookId === webhookId && other.sensorId === sensorId && other.revision > revision),
  );
}

export function ended(evidence: Evidence, delivery: DeliveryRow, state: DeliveryRow["state"], reason: string): Evidence {
  return { ...evidence, deliveries: evidence.deliveries.map((one) => (one.id === delivery.id ? { ...one, state, reason } : one)) };
}

/** Without the arrivals of a delivery, or of the batches that hold it. */
export function without(evidence: Evidence, { id, webhookId }: DeliveryRow): Evidence {
  const holds = ({ deliveryId, body }: Arrival) => deliveryId === id || body.includes(`"id":"${id}"`);
  return { ...evidence, arrivals: evidence.arrivals.filter((arrival) => arrival.webhookId !== webhookId || !holds(arrival)) };
}

/** Two arrivals of a sensor's changes, each the first of its own, in the order in which they came. */
function firstPairs(evidence: Evidence, isOfKind: (webhook: OwedWebhook) => boolean): [Arrival, Arrival][] {
  const firsts = of(evidence, isOfKind).flatMap((delivery) => {
    const arrival = evidence.arrivals.find(({ deliveryId }) => deliveryId === delivery.id);
    return arrival === undefined ? [] : [{ delivery, arrival }];
  });
  return firsts.flatMap(({ delivery, arrival }) => {
    const isLater = ({ webhookId, sensorId, revision }: DeliveryRow) =>
      webhookId === delivery.webhookId && sensorId === delivery.sensorId && revision > delivery.revision;
    const later = firsts.find((first) => isLater(first.delivery));
    return later === undefined ? [] : [[arrival, later.arrival] as [Arrival, Arrival]];
  });
}

interface BatchItem {
  readonly id: string;
  readonly data: { readonly sensorId: string };
}

/** The first time that each batch was taken. */
function bodies({ arrivals }: Evidence): Arrival[] {
  const batches = arrivals.filter(({ body, answered }) => body.startsWith('{"type":"batch"') && answered === 204);
  return [...new Map(batches.toReversed().map((batch) => [batch.deliveryId, batch])).values()];
}

function itemsIn({ body }: Arrival): BatchItem[] {
  return (JSON.parse(body) as { items: BatchItem[] }).items;
}

function textOf({ body }: Arrival, items: readonly BatchItem[]): string {
  return JSON.stringify({ ...(JSON.parse(body) as object), items });
}

function hasTwoOfOne(batch: Arrival): boolean {
  const sensors = itemsIn(batch).map(({ data }) => data.sensorId);
  return new Set(sensors).size < sensors.length;
}

/** Every arrival of the batch holds these items instead. */
function saying(evidence: Evidence, batch: Arrival, items: readonly BatchItem[]): Evidence {
  const body = textOf(batch, items);
  return { ...evidence, arrivals: evidence.arrivals.map((one) => (one.deliveryId === batch.deliveryId ? { ...one, body } : one)) };
}
