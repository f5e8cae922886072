import { type Books, type Entry, type Finding, groupBy, placeKey } from "./books";
import { type DeliveryRow, EVENTS_LANE, type OwedWebhook } from "./evidence";
import { matches } from "./matching";

/** Every webhook is owed exactly the changes that match it, each by one delivery. */
export function* checkDeliveries(books: Books): Iterable<Finding> {
  const ofChanges = books.evidence.deliveries.filter(({ sensorId }) => sensorId !== EVENTS_LANE);
  const byWebhook = groupBy(ofChanges, ({ webhookId }) => webhookId);
  for (const webhook of books.evidence.webhooks) yield* checkPlanned(books, webhook, byWebhook.get(webhook.id) ?? []);
}

function* checkPlanned({ evidence, byNumber }: Books, webhook: OwedWebhook, planned: readonly DeliveryRow[]): Iterable<Finding> {
  const cursors = new Map(evidence.partitions.map((partition) => [partition.partition, partition.planned]));
  const byChange = groupBy(planned, ({ partition, number }) => placeKey(partition, number));
  for (const entry of byNumber.values()) {
    const [first, second] = byChange.get(placeKey(entry.partition, entry.number)) ?? [];
    const owed = isOwed(webhook, entry);
    const { sensorId, number, partition } = entry;
    const said = `change ${number} of partition ${partition} for ${webhook.id}`;
    if (owed && first === undefined) {
      const cursor = cursors.get(partition) ?? 0;
      const where = number <= cursor ? `though planning has passed it (${cursor})` : `planning stands at ${cursor}`;
      yield { kind: "delivery.missing", sensorId, message: `${said} has no delivery, ${where}` };
    }
    if (!owed && first !== undefined)
      yield { kind: "delivery.unowed", sensorId, message: `${said} is planned as ${first.id}, but is not owed` };
    if (second !== undefined)
      yield { kind: "delivery.doubled", sensorId, message: `${said} is planned as ${first?.id} and as ${second.id}` };
    if (first !== undefined && (first.sensorId !== sensorId || first.revision !== entry.revision)) {
      yield {
        kind: "delivery.wrong",
        sensorId,
        message: `${first.id} says ${first.sensorId} #${first.revision}, the change is #${entry.revision}`,
      };
    }
  }
  for (const { id, partition, number, sensorId } of planned) {
    if (!byNumber.has(placeKey(partition, number)))
      yield { kind: "delivery.unowed", sensorId, message: `${id} is for change ${number}, which was never recorded` };
  }
}

export function isOwed(webhook: OwedWebhook, { partition, number, parsed }: Entry): boolean {
  return webhook.settings.events.includes("change") && number > (webhook.after[partition] ?? 0) && matches(webhook.filter, parsed);
}
