import { expect, test } from "bun:test";
import pino from "pino";
import { Fault } from "../../src/domain/fault";
import { type BatchFacts, createEvents } from "../../src/telemetry/events";
import { logOptions } from "../../src/telemetry/log";
import { type Metrics, openMetrics } from "../../src/telemetry/metrics";

const AWAY = new Fault("unavailable", "the database does not answer", { cause: new Error("ECONNREFUSED") });
const HINDERED = new Error("no such column");

interface Line {
  readonly "event.action": string;
  readonly "log.level": string;
  readonly partition?: number;
  readonly suppressed?: number;
  readonly error?: { readonly message: string; readonly stack_trace?: string };
}

function listened() {
  const lines: Line[] = [];
  const log = pino(logOptions("info", "node-a"), { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
  const clock = { now: 0 };
  const metrics = openMetrics();
  return { events: createEvents(log, metrics, () => clock.now), lines, clock, metrics };
}

test("while a dependency is away, what fails of a partition is told once in ten seconds, with how many lines were kept back", () => {
  const { events, lines, clock } = listened();
  for (clock.now = 0; clock.now < 20_000; clock.now += 250) events.settleFailed(3, AWAY);
  expect(lines.map(({ partition, suppressed }) => ({ partition, suppressed }))).toEqual([
    { partition: 3, suppressed: undefined },
    { partition: 3, suppressed: 39 },
  ]);
  expect(lines[0]?.error).toEqual({ message: "the database does not answer" });
});

test("another partition, and another thing that fails, have lines of their own", () => {
  const { events, lines } = listened();
  for (const partition of [0, 1, 0, 1]) {
    events.settleFailed(partition, AWAY);
    events.readFailed(partition, AWAY);
    events.failed("ingest.start", AWAY, partition);
  }
  expect(lines.map((line) => `${line["log.level"]} ${line["event.action"]} ${line.partition}`)).toEqual([
    "warn settle.failed 0",
    "warn deliveries.read 0",
    "error ingest.start 0",
    "warn settle.failed 1",
    "warn deliveries.read 1",
    "error ingest.start 1",
  ]);
});

test("what is no dependency's absence is told each time, with its stack", () => {
  const { events, lines } = listened();
  for (let time = 0; time < 3; time += 1) events.planFailed(0, HINDERED);
  expect(lines.length).toBe(3);
  expect(lines[2]?.error?.stack_trace).toContain("events.test.ts");
});

test("where a partition stands is shown by who owns it alone, in each role, though its worker ends after its lease", async () => {
  const { events, metrics } = listened();
  const stands = () => {
    for (const partition of [0, 1]) {
      events.batchCommitted({ ...BATCH, partition });
      events.changesPublished(partition, 5);
      events.deliveriesPlanned(partition, 4, {});
    }
  };
  for (const partition of [0, 1]) for (const role of ["ingest", "notify"] as const) events.leaseAcquired(role, partition, 1);
  stands();
  events.leaseLost("ingest", 0);
  events.leaseReleased("notify", 1);
  const left = ['changes_planned{partition="0"} 4', 'changes_published{partition="1"} 5', 'ingest_cursor{partition="1"} 7'];
  expect(await standings(metrics)).toEqual(left);
  stands();
  expect(await standings(metrics)).toEqual(left);
  events.leaseAcquired("ingest", 0, 2);
  stands();
  expect(await standings(metrics)).toContain('ingest_cursor{partition="0"} 7');
});

const BATCH: Omit<BatchFacts, "partition"> = {
  messages: 1,
  seconds: 0,
  cursor: 7,
  dispositions: { applied: 0, unchanged: 0, late: 0, duplicate: 0 },
  changes: { status: 0, availability: 0 },
  deadLetters: 0,
  unknownFields: 0,
};

async function standings(metrics: Metrics): Promise<string[]> {
  const text = await metrics.registry.metrics();
  return [...text.matchAll(/^tocsin_((?:ingest_cursor|changes_published|changes_planned)\{.*)$/gm)]
    .map(([, line]) => line as string)
    .sort();
}

test("every line carries the node's id beside the process's", () => {
  const { events, lines } = listened();
  events.leaseAcquired("ingest", 0, 1);
  expect(lines[0]).toMatchObject({ "service.node.name": "node-a", "process.pid": process.pid });
});
