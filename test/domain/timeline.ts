/** A sensor's life as fast-check draws it, run through the pure decisions by hand. */
import fc from "fast-check";
import type { ChangeDraft } from "../../src/domain/change";
import { type Decision, decide, judgeHeartbeat } from "../../src/domain/decide";
import type { Report } from "../../src/domain/report";
import type { Heartbeat, Sensor } from "../../src/domain/sensor";
import { SEVERITIES, STATUS_CATALOGUE } from "../../src/domain/severity";
import { pendingState, type State } from "../../src/domain/state";

export const BEGINS = Date.parse("2026-11-23T10:00:00.000Z");
/** Longer without a message than this, and the time was dark. */
export const DARK_MS = 2000;

export const SENSOR: Sensor = {
  id: "boiler-7",
  name: "Boiler 7",
  labels: { site: "north" },
  metadata: {},
  heartbeat: { intervalSeconds: 5, graceSeconds: 1 },
  version: 1,
  life: 1,
  createdAt: BEGINS,
  updatedAt: BEGINS,
};

export function sensorWith(heartbeat: Heartbeat | null): Sensor {
  return { ...SENSOR, heartbeat };
}

export function reportOf(status: string, fields: Partial<Report> = {}): Report {
  return { status, severity: null, value: null, message: null, at: null, id: null, attributes: null, ...fields };
}

/** What stands in the log: how long after the one before, and a report or (null) a tick. `age`: how far `at` lies behind. */
export interface Entry {
  readonly gapMs: number;
  readonly said: {
    readonly status: string;
    readonly severity: Report["severity"];
    readonly age: number | null;
    readonly duplicate: boolean;
  } | null;
}

const said = fc.record({
  status: fc.constantFrom("ok", "hot", "overheated", "door.open"),
  severity: fc.option(fc.constantFrom(...SEVERITIES)),
  age: fc.option(fc.integer({ min: -5000, max: 20_000 })),
  duplicate: fc.boolean(),
});
const spoken = fc.record({ gapMs: fc.integer({ min: 0, max: DARK_MS }), said }).map((entry): Entry[] => [entry]);
/** Ticks alone, long enough that a heartbeat can be missed. */
const silence = fc
  .record({ ticks: fc.integer({ min: 1, max: 25 }), gapMs: fc.integer({ min: 200, max: 1000 }) })
  .map(({ ticks, gapMs }): Entry[] => Array.from({ length: ticks }, () => ({ gapMs, said: null })));
/** Nothing at all, and then a report or a tick. */
const dark = fc.record({ gapMs: fc.integer({ min: DARK_MS + 1, max: 30_000 }), said: fc.option(said) }).map((entry): Entry[] => [entry]);
const parts = fc.oneof({ weight: 4, arbitrary: spoken }, { weight: 3, arbitrary: silence }, { weight: 1, arbitrary: dark });

export const timelines = fc.array(parts, { maxLength: 20 }).map((drawn) => drawn.flat());
export const heartbeats = fc.constantFrom<Heartbeat | null>(
  null,
  { intervalSeconds: 5, graceSeconds: 0 },
  { intervalSeconds: 6, graceSeconds: 4 },
);

/** What an entry did. */
export interface Step {
  readonly entry: Entry;
  readonly report: Report | null;
  readonly receivedAt: number;
  readonly darkEndedAt: number;
  readonly before: State;
  readonly after: State;
  readonly disposition: Decision["disposition"] | null;
  readonly change: ChangeDraft | null;
}

export function live(sensor: Sensor, timeline: readonly Entry[]): Step[] {
  const steps: Step[] = [];
  let state = pendingState(sensor.life);
  let [receivedAt, darkEndedAt] = [BEGINS, 0];
  for (const entry of timeline) {
    receivedAt += entry.gapMs;
    if (entry.gapMs > DARK_MS) darkEndedAt = receivedAt;
    const step = entry.said === null ? tick(sensor, state, { receivedAt, darkEndedAt }) : hear(sensor, state, entry.said, receivedAt);
    steps.push({ entry, receivedAt, darkEndedAt, before: state, ...step });
    state = step.after;
  }
  return steps;
}

type Outcome = Pick<Step, "report" | "after" | "disposition" | "change">;

function tick(sensor: Sensor, state: State, { receivedAt, darkEndedAt }: { receivedAt: number; darkEndedAt: number }): Outcome {
  const judged = judgeHeartbeat(sensor, state, { watermark: receivedAt, darkEndedAt });
  return { report: null, after: judged.state, disposition: null, change: judged.change };
}

function hear(sensor: Sensor, state: State, said: NonNullable<Entry["said"]>, receivedAt: number): Outcome {
  const report = reportOf(said.status, { severity: said.severity, at: said.age === null ? null : receivedAt - said.age });
  const {
    state: after,
    disposition,
    change,
  } = decide(sensor, state, { report, receivedAt }, { duplicate: said.duplicate, catalogue: STATUS_CATALOGUE });
  return { report, after, disposition, change };
}
