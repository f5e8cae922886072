import { type Books, type Finding, groupBy } from "./books";
import type { Arrival, OwedWebhook } from "./evidence";

/** Timers are as fine as that. */
const EARLY_MS = 10;

/**
 * A webhook that wants its sensors' deliveries apart gets them apart. Judged where a success is known to both sides: what came twice had
 * an answer that got lost, and what was asked for once more comes when it is asked for.
 */
export function* checkSpacing(books: Books): Iterable<Finding> {
  for (const webhook of books.evidence.webhooks.filter(({ settings }) => settings.minIntervalSeconds > 0)) {
    const own = books.evidence.arrivals.filter(({ webhookId }) => webhookId === webhook.id);
    for (const [sensorId, arrivals] of groupBy(own, ({ deliveryId }) => books.deliveries.get(deliveryId)?.sensorId ?? null))
      yield* checkSensor(books, webhook, { sensorId, arrivals });
  }
}

interface Heard {
  readonly sensorId: string | null;
  readonly arrivals: readonly Arrival[];
}

function* checkSensor(books: Books, { id, settings }: OwedWebhook, { sensorId, arrivals }: Heard): Iterable<Finding> {
  const leastMs = settings.minIntervalSeconds * 1000 - EARLY_MS;
  const replays = books.evidence.replays.filter(({ webhookId }) => webhookId === id);
  const isReplayed = ({ deliveryId, at }: Arrival) => {
    const plannedAt = books.deliveries.get(deliveryId)?.plannedAt ?? 0;
    return replays.some(({ since, until, askedAt }) => since <= plannedAt && plannedAt < until && askedAt <= at);
  };
  for (const [place, next] of arrivals.entries()) {
    const last = arrivals[place - 1];
    if (books.arrivals.get(next.deliveryId)?.[0] !== next) continue;
    if (last === undefined || next.at - last.at >= leastMs || isReplayed(next) || isReplayed(last)) continue;
    const isTaken = last.answered >= 200 && last.answered < 300 && books.deliveries.get(last.deliveryId)?.state === "delivered";
    if (!isTaken || books.arrivals.get(last.deliveryId)?.length !== 1) continue;
    yield { kind: "arrival.tooSoon", sensorId, message: `${next.deliveryId} came ${next.at - last.at} ms after ${last.deliveryId}` };
  }
}
