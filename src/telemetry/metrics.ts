import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { TalliedCounter, TalliedHistogram } from "./tallies";

/** Every metric of the service, by the word it counts. Names are part of the public interface. */
export function openMetrics() {
  const registry = new Registry();
  const { counter, talliedCounter, gauge, histogram, talliedHistogram } = makersFor(registry);
  const reportDaysAhead = gauge("report_days_ahead", "Days after today that there is room for, where reports are kept by days.");
  // A store that needs no days has none to show.
  reportDaysAhead.remove();
  const limitsShared = gauge("rate_limits_shared", "1 while rate limits count for all nodes together, 0 while each node counts alone.");
  // Without Redis each node always does.
  limitsShared.remove();
  const ratesShared = gauge(
    "webhook_rates_shared",
    "1 while this node sends by rates that hold for all nodes together, 0 while by its part of them.",
  );
  ratesShared.remove();
  return {
    registry,
    reportDaysAhead,
    limitsShared,
    ratesShared,
    reports: counter("reports_total", "Reports committed to the log, by what became of them.", ["disposition"]),
    changes: counter("changes_total", "Changes recorded.", ["kind"]),
    deadLetters: counter("dead_letters_total", "Messages that could not become a report."),
    unknownFields: counter("report_unknown_fields_total", "Fields of reports from NATS or MQTT that were ignored."),
    batchSeconds: histogram(
      "batch_commit_seconds",
      "From a batch's last message read to its commit.",
      [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    ),
    batchReports: histogram("batch_messages", "Messages in a commit.", [1, 4, 16, 64, 256, 1024, 4096, 8192]),
    ingestCursor: gauge("ingest_cursor", "Sequence of the last committed message.", ["partition"]),
    published: gauge("changes_published", "Number of the last change known to be in CHANGES.", ["partition"]),
    planned: gauge("changes_planned", "Number of the last change that deliveries were planned for.", ["partition"]),
    incidents: counter("incidents_total", "Things that should not have been.", ["kind"]),
    leaseHeld: gauge("lease_held", "1 while this node owns the partition in the role.", ["role", "partition"]),
    nodesAlive: gauge("nodes_alive", "Nodes that live, as this one sees it."),
    attempts: counter("delivery_attempts_total", "Attempts that ended, by outcome.", ["outcome"]),
    attemptSeconds: histogram("delivery_attempt_seconds", "How long attempts took.", [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 30]),
    deliveriesPlanned: counter("deliveries_planned_total", "Deliveries planned, by state.", ["state"]),
    deliveriesEnded: counter("deliveries_ended_total", "Deliveries that ended, by state.", ["state"]),
    webhooksDisabled: counter(
      "webhooks_disabled_total",
      "Webhooks that were disabled because their endpoint is gone or failed for too long.",
    ),
    circuitsOpen: gauge("webhook_circuits_open", "Webhooks that this node sends probes only, because they failed again and again."),
    inFlight: gauge("delivery_attempts_running", "Attempts that run now."),
    httpSeconds: talliedHistogram(
      "http_request_seconds",
      "Requests answered.",
      [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
      ["method", "route", "status"],
    ),
    httpLimited: counter("http_limited_total", "Requests refused because of a limit, by the limit.", ["limit"]),
    watchers: gauge("watchers", "Live streams that are open on this node."),
    watchersEnded: counter("watchers_ended_total", "Live streams that this node ended, by why.", ["reason"]),
    dependencyUp: gauge("dependency_up", "1 while the dependency answers.", ["dependency"]),
    cacheReads: talliedCounter("cache_reads_total", "Sensors read through the cache, by what came of it.", ["outcome"]),
    cacheLies: counter("cache_lies_total", "Entries in Redis that no node of this database can have written.", ["kind"]),
    cacheDrift: counter("cache_drift_total", "Entries that were found to differ from the database, and were repaired."),
    cacheWrites: counter("cache_writes_total", "States that were to be brought to Redis behind their commit.", ["outcome"]),
    cacheEditWaits: counter(
      "cache_edit_waits_total",
      "Edits that waited until nothing from before them was believed, because Redis did not answer.",
    ),
    cacheEntries: gauge("cache_entries", "Sensors that this node keeps ready in memory."),
    cacheBytes: gauge("cache_bytes", "The memory that they take, about."),
    natsRestarts: counter("nats_server_restarts_total", "Times the embedded nats-server was started again."),
  };
}

export type Metrics = ReturnType<typeof openMetrics>;

function makersFor(registry: Registry) {
  const registers = [registry];
  return {
    counter: <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
      new Counter({ name: `tocsin_${name}`, help, labelNames, registers }),
    talliedCounter: <Label extends string>(name: string, help: string, labelNames: Label[]) =>
      new TalliedCounter({ name: `tocsin_${name}`, help, labelNames, registers }),
    gauge: <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
      new Gauge({ name: `tocsin_${name}`, help, labelNames, registers }),
    histogram: (name: string, help: string, buckets: number[]) => new Histogram({ name: `tocsin_${name}`, help, buckets, registers }),
    talliedHistogram: <Label extends string>(name: string, help: string, buckets: number[], labelNames: Label[]) =>
      new TalliedHistogram({ name: `tocsin_${name}`, help, buckets, labelNames, registers }),
  };
}
