import type { Evidence } from "../test/ledger/evidence";
import type { ServiceNode } from "./node";

export type Figures = Readonly<Record<string, number>>;

export interface Measured {
  /** Null when it could not be collected. */
  readonly evidence: Evidence | null;
  readonly rounds: number;
  readonly nodes: readonly Pick<ServiceNode, "startsAgain">[];
  /** How long it took, and how long things stood still at most. */
  readonly times: Readonly<Record<"seconds" | "quietMs" | "acknowledgementPauseMs" | "arrivalPauseMs", number>>;
}

/** How much happened, so that a run that tested nothing shows. */
export function figuresOf({ evidence, rounds, nodes, times }: Measured): Figures {
  const by = (road: string) => evidence?.acknowledged.filter((ack) => ack.by === road).length ?? 0;
  const disposed = (disposition: string) => evidence?.log.filter((row) => row.disposition === disposition).length ?? 0;
  const arrivals = evidence?.arrivals ?? [];
  return {
    rounds,
    reportsAcknowledged: by("puback") + by("http"),
    reportsOverHttp: by("http"),
    reportsOverMqtt: evidence?.log.filter(({ sensorId }) => sensorId.startsWith("mqtt-")).length ?? 0,
    reportsLogged: evidence?.log.length ?? 0,
    duplicates: disposed("duplicate"),
    late: disposed("late"),
    changes: evidence?.changes.length ?? 0,
    timeouts: evidence?.changes.filter(({ data }) => data.includes('"cause":"timeout"')).length ?? 0,
    deliveries: evidence?.deliveries.length ?? 0,
    arrivals: arrivals.length,
    repeats: arrivals.length - new Set(arrivals.map(({ webhookId, deliveryId }) => `${webhookId} ${deliveryId}`)).size,
    nodeStartsAgain: nodes.reduce((sum, { startsAgain }) => sum + startsAgain, 0),
    acknowledgementPauseMs: Math.round(times.acknowledgementPauseMs),
    arrivalPauseMs: Math.round(times.arrivalPauseMs),
    quietMs: Math.round(times.quietMs),
    seconds: Math.round(times.seconds),
  };
}
