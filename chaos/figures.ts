import { SETTINGS_DEFAULT } from "../src/domain/webhook";
import { groupBy, placeKey } from "../test/ledger/books";
import type { Evidence } from "../test/ledger/evidence";
import type { CaughtUp } from "./backlogs";
import type { ServiceNode } from "./node";
import type { Operators } from "./operators";

export type Figures = Readonly<Record<string, number>>;

export interface Measured {
  /** Null when it could not be collected. */
  readonly evidence: Evidence | null;
  /** After each round, how long it took until all that had been said was in the log and planned. */
  readonly catchUps: readonly number[];
  /** After each strike against an endpoint. */
  readonly backlogs: readonly CaughtUp[];
  readonly nodes: readonly Pick<ServiceNode, "startsAgain">[];
  readonly operators: Pick<Operators, "edits" | "sets">;
  /** From the last report until nothing was owed any more. */
  readonly quietMs: number;
  readonly seconds: number;
}

/** How much happened, so that a run that tested nothing shows, and the longest that anybody had to wait. */
export function figuresOf({ evidence, catchUps, backlogs, nodes, operators, quietMs, seconds }: Measured): Figures {
  return {
    rounds: catchUps.length,
    ...(evidence === null ? {} : { ...countsOf(evidence), ...waitsOf(evidence) }),
    nodeStartsFailed: nodes.reduce((sum, { startsAgain }) => sum + startsAgain, 0),
    catalogueEdits: operators.edits.length,
    sensorSets: operators.sets(),
    ...backlogFigures(backlogs),
    catchUpMaxMs: Math.round(Math.max(0, ...catchUps)),
    quietMs: Math.round(quietMs),
    seconds: Math.round(seconds),
  };
}

function backlogFigures(backlogs: readonly CaughtUp[]): Figures {
  const waits = backlogs.map(({ ms }) => ms).sort((one, other) => one - other);
  return {
    endpointsStruck: waits.length,
    endpointCatchUpP50Ms: waits[Math.floor(waits.length / 2)] ?? 0,
    endpointCatchUpMaxMs: waits.at(-1) ?? 0,
  };
}

function countsOf({ acknowledged, log, changes, deliveries, arrivals, operational, replays }: Evidence): Figures {
  const by = (road: string) => acknowledged.filter((ack) => ack.by === road).length;
  const disposed = (disposition: string) => log.filter((row) => row.disposition === disposition).length;
  const ended = (state: string) => deliveries.filter((delivery) => delivery.state === state).length;
  return {
    reportsAcknowledged: acknowledged.length,
    reportsOverNats: by("puback"),
    reportsOverHttp: by("http"),
    reportsLoggedOverMqtt: log.filter(({ sensorId }) => sensorId.startsWith("mqtt-")).length,
    reportsLogged: log.length,
    duplicates: disposed("duplicate"),
    late: disposed("late"),
    changes: changes.length,
    timeouts: changes.filter(({ data }) => data.includes('"cause":"timeout"')).length,
    deliveries: deliveries.length,
    arrivals: arrivals.length,
    coalesced: ended("coalesced"),
    rejected: deliveries.filter(({ state, reason }) => state === "failed" && reason === "rejected").length,
    batches: new Set(arrivals.filter(({ body }) => body.startsWith('{"type":"batch"')).map(({ deliveryId }) => deliveryId)).size,
    events: operational.length,
    replays: replays.length,
    replayed: replays.reduce((sum, { replayed }) => sum + replayed, 0),
    repeats: arrivals.length - new Set(arrivals.map(arrivalKey)).size,
  };
}

function waitsOf(evidence: Evidence): Figures {
  const gaps = [...groupBy(evidence.acknowledged, ({ sensorId }) => sensorId).values()].flatMap((own) =>
    own.slice(1).map(({ at }, index) => at - (own[index]?.at ?? at)),
  );
  const waits = webhookWaits(evidence).sort((one, other) => one - other);
  return {
    betweenAcknowledgementsMaxMs: gaps.reduce((longest, gap) => Math.max(longest, gap), 0),
    reportToWebhookP50Ms: waits[Math.floor(waits.length / 2)] ?? 0,
    reportToWebhookMaxMs: waits.at(-1) ?? 0,
  };
}

/** From the broker's having a report to the first arrival of its change, at the webhook that wants every change and is never struck. */
function webhookWaits({ webhooks, deliveries, arrivals, log }: Evidence): number[] {
  const all = webhooks.find(({ filter, settings }) => filter.initial === true && Bun.deepEquals(settings, SETTINGS_DEFAULT))?.id;
  const places = new Map(
    deliveries.filter(({ webhookId }) => webhookId === all).map((one) => [one.id, placeKey(one.partition, one.number)]),
  );
  const arrivedAt = new Map<string, number>();
  for (const { deliveryId, at } of arrivals) {
    const place = places.get(deliveryId);
    if (place !== undefined && !arrivedAt.has(place)) arrivedAt.set(place, at);
  }
  return log.flatMap(({ partition, changeNumber, receivedAt }) => {
    const at = changeNumber === null ? undefined : arrivedAt.get(placeKey(partition, changeNumber));
    return at === undefined ? [] : [at - receivedAt];
  });
}

function arrivalKey({ webhookId, deliveryId }: { webhookId: string; deliveryId: string }): string {
  return `${webhookId} ${deliveryId}`;
}
