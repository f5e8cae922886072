import type { ChangeData } from "../../src/domain/change";
import type { Acknowledgement, Arrival, ChangeRow, DeliveryRow, Evidence, LogRow, OwedWebhook } from "./evidence";
import { itemsOf, type Item } from "./messages";

/** One thing that a check found. `sensorId` null when it concerns none in particular. */
export interface Finding {
  readonly kind: ViolationKind;
  readonly sensorId: string | null;
  readonly message: string;
}

export type ViolationKind =
  /** An acknowledged report is not in the log. */
  | "report.lost"
  /** A report took effect more than once. */
  | "report.doubled"
  /** What stands where an acknowledgement pointed is something else. */
  | "report.misplaced"
  /** A message of the stream has no row, no dead letter, or two rows. */
  | "message.lost"
  | "message.doubled"
  /** A row that no message stands behind. */
  | "row.unfounded"
  /** A sensor stands in two partitions. */
  | "partition.mixed"
  | "disposition.wrong"
  | "revision.gap"
  | "number.gap"
  /** A report or a silence that should have made a change made none. */
  | "change.missing"
  | "change.unfounded"
  | "change.wrong"
  | "offline.false"
  | "offline.missing"
  | "state.wrong"
  | "publication.missing"
  | "publication.doubled"
  | "publication.disordered"
  | "publication.unfounded"
  | "publication.wrong"
  | "delivery.missing"
  | "delivery.doubled"
  | "delivery.unowed"
  | "delivery.wrong"
  | "delivery.open"
  | "delivery.unexplained"
  /** Marked as delivered, but no arrival was answered with 2xx. */
  | "delivery.unarrived"
  /** Ended although its endpoint would have taken it, as far as it had answered. */
  | "delivery.givenUp"
  /** Left out for a newer one, though there is none, or its webhook wants every change. */
  | "delivery.coalesced"
  | "webhook.disabled"
  | "event.missing"
  | "event.doubled"
  | "event.unfounded"
  | "replay.unfinished"
  /** What was to be sent again did not come again. */
  | "replay.missed"
  | "arrival.unsigned"
  | "arrival.unknown"
  | "arrival.wrong"
  | "arrival.twoIds"
  | "arrival.twoBodies"
  | "arrival.disordered"
  /** Closer to the one before than its webhook wants. */
  | "arrival.tooSoon";

/** A change with its data read once. */
export interface Entry extends ChangeRow {
  readonly parsed: ChangeData;
}

/** The evidence in the orders in which the checks read it. */
export interface Books {
  readonly evidence: Evidence;
  /** Each sensor's rows in the order of the log. */
  readonly rows: ReadonlyMap<string, readonly LogRow[]>;
  /** Each sensor's changes by revision. */
  readonly changes: ReadonlyMap<string, readonly Entry[]>;
  /** By {@link placeKey}. */
  readonly byNumber: ReadonlyMap<string, Entry>;
  readonly acknowledged: ReadonlyMap<string, readonly Acknowledgement[]>;
  readonly webhooks: ReadonlyMap<string, OwedWebhook>;
  readonly deliveries: ReadonlyMap<string, DeliveryRow>;
  /** Each delivery's arrivals at its own webhook, alone or in batches. */
  readonly arrivals: ReadonlyMap<string, readonly Arrival[]>;
  /** What a request holds. */
  readonly items: ReadonlyMap<Arrival, readonly Item[]>;
}

export function openBooks(evidence: Evidence): Books {
  const webhooks = new Map(evidence.webhooks.map((webhook) => [webhook.id, webhook]));
  const deliveries = new Map(evidence.deliveries.map((delivery) => [delivery.id, delivery]));
  const items = new Map(evidence.arrivals.map((arrival) => [arrival, itemsOf(webhooks.get(arrival.webhookId), arrival)]));
  const entries = evidence.changes.map((change): Entry => ({ ...change, parsed: JSON.parse(change.data) as ChangeData }));
  return {
    evidence,
    rows: groupBy(evidence.log, (row) => row.sensorId, inLogOrder),
    changes: groupBy(
      entries,
      (entry) => entry.sensorId,
      (one, other) => one.revision - other.revision || one.number - other.number,
    ),
    byNumber: new Map(entries.map((entry) => [placeKey(entry.partition, entry.number), entry])),
    acknowledged: groupBy(
      evidence.acknowledged,
      (ack) => ack.sensorId,
      (one, other) => one.sequence - other.sequence,
    ),
    webhooks,
    deliveries,
    items,
    arrivals: arrivalsOf(items, deliveries),
  };
}

function arrivalsOf(items: Books["items"], deliveries: Books["deliveries"]): Map<string, Arrival[]> {
  const found = new Map<string, Arrival[]>();
  for (const [arrival, held] of items) {
    for (const { id } of held) {
      if (deliveries.get(id)?.webhookId !== arrival.webhookId) continue;
      const own = found.get(id);
      if (own === undefined) found.set(id, [arrival]);
      else own.push(arrival);
    }
  }
  return found;
}

/** A place in a partition: a message's by its sequence, a change's by its number. */
export function placeKey(partition: number, place: number): string {
  return `${partition}:${place}`;
}

export function groupBy<Item, Key>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
  order?: (one: Item, other: Item) => number,
): Map<Key, Item[]> {
  const groups = Map.groupBy(items, keyOf);
  if (order !== undefined) for (const group of groups.values()) group.sort(order);
  return groups;
}

function inLogOrder(one: LogRow, other: LogRow): number {
  return one.generation - other.generation || one.sequence - other.sequence;
}
