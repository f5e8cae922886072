import type { Logger } from "pino";
import type { ChangeKind } from "../domain/change";
import type { Disposition } from "../domain/decide";
import type { DeliveryState } from "../domain/delivery";
import type { LeasedRole, Replay } from "../store/store";
import type { Metrics } from "./metrics";
import { createCacheEvents } from "./cacheEvents";
import { createPartitionGauges } from "./partitionGauges";
import { createRequestEvents } from "./requestEvents";
import { createTroubleLog } from "./trouble";

/** One function per fact of the business: its log line and its counters together, so that logic holds no logger. */
export type Events = ReturnType<typeof createEvents>;

export interface BatchFacts {
  readonly partition: number;
  readonly messages: number;
  readonly seconds: number;
  readonly cursor: number;
  readonly dispositions: Readonly<Record<Disposition, number>>;
  readonly changes: Readonly<Record<ChangeKind, number>>;
  readonly deadLetters: number;
  readonly unknownFields: number;
}

export function createEvents(log: Logger, metrics: Metrics, now: () => number = () => performance.now()) {
  const fact = (action: string, fields: Record<string, unknown> = {}) => ({ "event.action": action, ...fields });
  const trouble = createTroubleLog(log, now);
  const gauges = createPartitionGauges(metrics);
  return {
    ...createCacheEvents(log, metrics, now),
    batchCommitted(batch: BatchFacts): void {
      for (const [disposition, count] of Object.entries(batch.dispositions)) if (count > 0) metrics.reports.inc({ disposition }, count);
      for (const [kind, count] of Object.entries(batch.changes)) if (count > 0) metrics.changes.inc({ kind }, count);
      if (batch.deadLetters > 0) metrics.deadLetters.inc(batch.deadLetters);
      if (batch.unknownFields > 0) metrics.unknownFields.inc(batch.unknownFields);
      metrics.batchSeconds.observe(batch.seconds);
      metrics.batchReports.observe(batch.messages);
      gauges.reached("ingestCursor", batch.partition, batch.cursor);
    },
    tablesNewer(unknown: number): void {
      const text = `the database's tables are newer than this program: ${unknown} of their migrations are not known to it`;
      log.warn(fact("tables.newer", { unknown }), text);
    },
    straysRecorded(count: number): void {
      metrics.deadLetters.inc(count);
    },
    straysFailed(error: unknown): void {
      trouble("warn", { action: "strays.failed", error }, "what came in the wrong shape was not recorded; it is tried again");
    },
    ingestFailed(partition: number, error: unknown): void {
      trouble("warn", { action: "ingest.failed", partition, error }, "a batch was not committed; it is tried again");
    },
    incidentRecorded(kind: string, partition: number, detail: Readonly<Record<string, unknown>>): void {
      metrics.incidents.inc({ kind });
      log.error(fact("incident.recorded", { kind, partition, detail }), `incident: ${kind}`);
    },
    changesPublished(partition: number, number: number): void {
      gauges.reached("published", partition, number);
    },
    publishFailed(partition: number, error: unknown): void {
      trouble("warn", { action: "changes.publish.failed", partition, error }, "changes were not published; they are tried again");
    },
    leaseAcquired(role: LeasedRole, partition: number, epoch: number): void {
      gauges.acquired(role, partition);
      log.info(fact("lease.acquired", { role, partition, epoch }), `owns ${role} of partition ${partition}`);
    },
    leaseLost(role: LeasedRole, partition: number): void {
      gauges.left(role, partition);
      log.warn(fact("lease.lost", { role, partition }), `no longer owns ${role} of partition ${partition}`);
    },
    leaseReleased(role: LeasedRole, partition: number): void {
      gauges.left(role, partition);
      log.info(fact("lease.released", { role, partition }), `gave up ${role} of partition ${partition}`);
    },
    nodesAlive(count: number): void {
      metrics.nodesAlive.set(count);
    },
    deliveriesPlanned(partition: number, number: number, states: Readonly<Partial<Record<DeliveryState, number>>>): void {
      for (const [state, count] of Object.entries(states)) if (count > 0) metrics.deliveriesPlanned.inc({ state }, count);
      gauges.reached("planned", partition, number);
    },
    planFailed(partition: number, error: unknown): void {
      trouble("warn", { action: "plan.failed", partition, error }, "deliveries were not planned; they are tried again");
    },
    attemptStarted(): void {
      metrics.inFlight.inc();
    },
    attemptEnded(outcome: "delivered" | "retry" | "failed", seconds: number): void {
      metrics.inFlight.dec();
      metrics.attempts.inc({ outcome });
      metrics.attemptSeconds.observe(seconds);
    },
    attemptAbandoned(): void {
      metrics.inFlight.dec();
    },
    deliveriesEnded(state: DeliveryState, count: number): void {
      if (count > 0) metrics.deliveriesEnded.inc({ state }, count);
    },
    readFailed(partition: number, error: unknown): void {
      trouble("warn", { action: "deliveries.read", partition, error }, "due deliveries were not read; they are tried again");
    },
    settleFailed(partition: number, error: unknown): void {
      trouble("warn", { action: "settle.failed", partition, error }, "outcomes were not written; they are tried again");
    },
    replayEnded(replayId: string, webhookId: string, { state, reason, replayed }: Pick<Replay, "state" | "reason" | "replayed">): void {
      log.info(
        fact("replay.ended", { replayId, webhookId, state, reason, replayed }),
        `replay ${replayId} is ${state}: ${replayed} deliveries`,
      );
    },
    circuitChanged(webhookId: string, open: boolean): void {
      if (open) metrics.circuitsOpen.inc();
      else metrics.circuitsOpen.dec();
      const words = open ? "fails again and again, and is sent probes only" : "answers again";
      log.info(fact(open ? "circuit.opened" : "circuit.closed", { webhookId }), `webhook ${webhookId} ${words}`);
    },
    webhookDisabled(webhookId: string, reason: string): void {
      metrics.webhooksDisabled.inc();
      log.warn(fact("webhook.disabled", { webhookId, reason }), `webhook ${webhookId} was disabled: ${reason}`);
    },
    requestFailed(requestId: string, error: unknown): void {
      log.error(fact("http.failed", { "http.request.id": requestId, error }), "a request failed");
    },
    ...createRequestEvents(metrics),
    watchersCounted(count: number): void {
      metrics.watchers.set(count);
    },
    watcherEnded(reason: string): void {
      metrics.watchersEnded.inc({ reason });
    },
    dependencyChanged(dependency: "nats" | "store" | "redis", up: boolean, reason: string | null): void {
      metrics.dependencyUp.set({ dependency }, up ? 1 : 0);
      if (up) log.info(fact("dependency.up", { dependency }), `${dependency} answers`);
      else log.warn(fact("dependency.down", { dependency, reason }), `${dependency} does not answer: ${reason}`);
    },
    limitsShared(shared: boolean, reason: string | null): void {
      metrics.limitsShared.set(shared ? 1 : 0);
      if (shared) log.info(fact("limits.shared"), "rate limits count for all nodes together");
      else log.warn(fact("limits.local", { reason }), `rate limits count for this node alone: ${reason}`);
    },
    ratesShared(shared: boolean, reason: string | null): void {
      metrics.ratesShared.set(shared ? 1 : 0);
      if (shared) log.info(fact("rates.shared"), "rates of webhooks hold for all nodes together");
      else log.warn(fact("rates.divided", { reason }), `this node sends its part of webhooks' rates: ${reason}`);
    },
    requestLimited(limit: string): void {
      metrics.httpLimited.inc({ limit });
    },
    natsServerRestarted(exit: string): void {
      metrics.natsRestarts.inc();
      log.warn(fact("nats-server.restarted", { exit }), `nats-server ended (${exit}) and is started again`);
    },
    natsServerStuck(error: unknown): void {
      log.error(fact("nats-server.stuck", { error }), "nats-server runs but takes nothing; it is started again");
    },
    natsServerOld(version: string, safeVersion: string): void {
      log.warn(
        fact("nats-server.old", { version, safeVersion }),
        `nats-server ${version} can lose a stream when killed; use ${safeVersion} or later`,
      );
    },
    rowsPruned(table: string, count: number): void {
      log.info(fact("rows.pruned", { table, count }), `${count} old rows left ${table}`);
    },
    reportDaysPrepared(ahead: number): void {
      metrics.reportDaysAhead.set(ahead);
    },
    failed(action: string, error: unknown, partition?: number): void {
      trouble("error", { action, partition, error }, `${action} failed`);
    },
  };
}
