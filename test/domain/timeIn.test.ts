import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ChangeDraft } from "../../src/domain/change";
import { SEVERITIES } from "../../src/domain/severity";
import { pendingState, type State } from "../../src/domain/state";
import { type TimedChange, type TimeIn, TimeInWindow, TIMED_STATUSES_MAX } from "../../src/domain/timeIn";
import { BEGINS, heartbeats, live, sensorWith, timelines } from "./timeline";

interface Window {
  readonly since: number;
  readonly until: number;
}

/** As the service adds up: from the first change that was detected in the window or later. */
function timeIn(changes: readonly TimedChange[], state: State, window: Window): TimeIn {
  const times = new TimeInWindow(window);
  for (const change of changes) if (change.detectedAt >= window.since) times.add(change);
  return times.finish(state);
}

/** What held in each elementary stretch of the window, looked up for each anew. */
function naively(changes: readonly TimedChange[], { since, until }: Window) {
  const heard = changes[0]?.detectedAt ?? Infinity;
  const statusTimes = changes.map(({ occurredAt, from, to }) =>
    from.status === to.status && from.severity === to.severity ? null : occurredAt,
  );
  const availabilityTimes = changes.map(({ occurredAt, detectedAt, from, to }) =>
    from.availability === to.availability ? null : to.availability === "offline" ? occurredAt : detectedAt,
  );
  const times = [...statusTimes, ...availabilityTimes].filter((time) => time !== null);
  const edges = [...new Set([since, until, heard, ...times])].filter((time) => time >= since && time <= until).toSorted((a, b) => a - b);
  const holding = (begins: readonly (number | null)[], at: number) =>
    changes.findLast((_, index) => begins[index] != null && (begins[index] as number) <= at)?.to;
  const found = {
    judgedMs: 0,
    onlineMs: 0,
    offlineMs: 0,
    statuses: {} as Record<string, number>,
    severities: {} as Record<string, number>,
  };
  for (const [index, edge] of edges.slice(0, -1).entries()) {
    if (edge < heard) continue;
    const ms = (edges[index + 1] as number) - edge;
    const { status, severity } = holding(statusTimes, edge) ?? {};
    found.judgedMs += ms;
    if (holding(availabilityTimes, edge)?.availability === "online") found.onlineMs += ms;
    else found.offlineMs += ms;
    found.statuses[status ?? ""] = (found.statuses[status ?? ""] ?? 0) + ms;
    found.severities[severity ?? ""] = (found.severities[severity ?? ""] ?? 0) + ms;
  }
  return found;
}

function shape({ judgedMs, onlineMs, offlineMs, statuses, severities }: TimeIn) {
  const held = Object.entries(severities).filter(([, ms]) => ms > 0);
  return { judgedMs, onlineMs, offlineMs, statuses: Object.fromEntries(statuses), severities: Object.fromEntries(held) };
}

const windows = fc.tuple(fc.integer({ min: -20_000, max: 120_000 }), fc.integer({ min: 1, max: 120_000 }));

interface Life {
  readonly changes: ChangeDraft[];
  readonly state: State;
}

function lived(heartbeat: Parameters<typeof sensorWith>[0], timeline: Parameters<typeof live>[1]): Life {
  const steps = live(sensorWith(heartbeat), timeline);
  return { changes: steps.flatMap(({ change }) => (change === null ? [] : [change])), state: steps.at(-1)?.after ?? pendingState(1) };
}

describe("the times of a sensor that lived as the decisions let it", () => {
  test("are those that a look at each moment of the window finds", () => {
    let offline = 0;
    fc.assert(
      fc.property(heartbeats, timelines, windows, (heartbeat, timeline, [from, ms]) => {
        const { changes, state } = lived(heartbeat, timeline);
        const window = { since: BEGINS + from, until: BEGINS + from + ms };
        const times = timeIn(changes, state, window);
        expect(shape(times)).toEqual(naively(changes, window));
        offline += times.offlineMs;
      }),
      { numRuns: 2000 },
    );
    expect(offline).toBeGreaterThan(0);
  });

  test("add up: of two windows side by side to that of both, and each axis to what was judged", () => {
    fc.assert(
      fc.property(heartbeats, timelines, windows, fc.integer({ min: 1, max: 120_000 }), (heartbeat, timeline, [from, ms], more) => {
        const { changes, state } = lived(heartbeat, timeline);
        const [since, middle, until] = [BEGINS + from, BEGINS + from + ms, BEGINS + from + ms + more];
        const whole = timeIn(changes, state, { since, until });
        const parts = [timeIn(changes, state, { since, until: middle }), timeIn(changes, state, { since: middle, until })];
        const sum = (of: (times: TimeIn) => number) => parts.reduce((total, part) => total + of(part), 0);
        expect(sum(({ judgedMs }) => judgedMs)).toBe(whole.judgedMs);
        expect(sum(({ onlineMs }) => onlineMs)).toBe(whole.onlineMs);
        expect(sum(({ severities }) => severities.critical)).toBe(whole.severities.critical);
        const total = (rows: readonly (readonly [string, number])[]) => rows.reduce((sofar, [, each]) => sofar + each, 0);
        for (const times of [whole, ...parts]) {
          expect(times.onlineMs + times.offlineMs).toBe(times.judgedMs);
          expect(total(times.statuses)).toBe(times.judgedMs);
          expect(total(Object.entries(times.severities))).toBe(times.judgedMs);
          expect(times.judgedMs).toBe((times.judgedUntil ?? 0) - (times.judgedSince ?? 0));
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("are the same where old changes are no longer kept, from the oldest that is kept on, and for as long before as that one tells", () => {
    fc.assert(
      fc.property(heartbeats, timelines, windows, fc.integer({ min: 1, max: 10 }), (heartbeat, timeline, [from, ms], pruned) => {
        const { changes, state } = lived(heartbeat, timeline);
        const kept = changes.slice(pruned);
        const [oldest] = kept;
        if (oldest === undefined) return;
        const window = { since: BEGINS + from, until: BEGINS + from + ms };
        const known = oldest.occurredAt - (oldest.previousDurationMs ?? 0);
        const times = timeIn(kept, state, window);
        const heard = Math.max(known, changes[0]?.detectedAt ?? 0);
        const wanted = timeIn(changes, state, { ...window, since: Math.max(window.since, heard) });
        // Where the sensor named a moment before it was heard for the first time, that is taken for the beginning.
        if (known < heard) expect(times.judgedMs).toBeGreaterThanOrEqual(wanted.judgedMs);
        else expect(times.statuses).toEqual(wanted.statuses);
      }),
      { numRuns: 1000 },
    );
  });

  test("hold the longest outage, as far as it lies in the window", () => {
    fc.assert(
      fc.property(heartbeats, timelines, windows, (heartbeat, timeline, [from, ms]) => {
        const { changes, state } = lived(heartbeat, timeline);
        const { longestOutage, offlineMs } = timeIn(changes, state, { since: BEGINS + from, until: BEGINS + from + ms });
        if (longestOutage === null) return expect(offlineMs).toBe(0);
        const { since, until } = longestOutage;
        expect(since).toBeGreaterThanOrEqual(BEGINS + from);
        expect(until).toBeLessThanOrEqual(BEGINS + from + ms);
        expect(timeIn(changes, state, { since, until })).toMatchObject({ onlineMs: 0, offlineMs: until - since });
      }),
      { numRuns: 1000 },
    );
  });
});

const at = (seconds: number) => BEGINS + seconds * 1000;
const PENDING = { status: null, severity: null, availability: "pending" } as const;
const OK = { status: "ok", severity: "ok", availability: "online" } as const;
const HOT = { status: "hot", severity: "warning", availability: "online" } as const;
const GONE = { ...OK, availability: "offline" } as const;

function change(second: number, from: TimedChange["from"], to: TimedChange["to"], edit: Partial<TimedChange> = {}): TimedChange {
  const previousDurationMs = from.availability === "pending" ? null : 10_000;
  return { from, to, occurredAt: at(second), detectedAt: at(second), previousDurationMs, ...edit };
}

function stateOf(condition: TimedChange["to"], since: number | null = null): State {
  return { ...pendingState(1), ...condition, since };
}

describe("at the edges", () => {
  const history = [change(10, PENDING, OK), change(20, OK, HOT), change(30, HOT, OK), change(40, OK, GONE)];

  test("a change at the beginning of the window counts, one at its end does not", () => {
    const times = timeIn(history, stateOf(GONE), { since: at(20), until: at(40) });
    expect(times).toMatchObject({ judgedMs: 20_000, onlineMs: 20_000, changes: 2, longestOutage: null });
    expect(times.statuses).toEqual([
      ["hot", 10_000],
      ["ok", 10_000],
    ]);
  });

  test("a window of one millisecond is that of the state in it", () => {
    expect(timeIn(history, stateOf(GONE), { since: at(20) - 1, until: at(20) }).statuses).toEqual([["ok", 1]]);
    expect(timeIn(history, stateOf(GONE), { since: at(20), until: at(20) + 1 }).statuses).toEqual([["hot", 1]]);
    expect(timeIn(history, stateOf(GONE), { since: at(40) - 1, until: at(40) + 1 })).toMatchObject({ onlineMs: 1, offlineMs: 1 });
  });

  test("nothing is judged before the first report, nor in a window that ends with it", () => {
    expect(timeIn(history, stateOf(GONE), { since: at(0), until: at(10) })).toMatchObject({ judgedSince: null, judgedMs: 0, statuses: [] });
    expect(timeIn(history, stateOf(GONE), { since: at(0), until: at(11) })).toMatchObject({ judgedSince: at(10), judgedMs: 1000 });
  });

  test("a window without a change is that of the state, since when it is known", () => {
    expect(timeIn(history, stateOf(GONE, at(40)), { since: at(50), until: at(60) })).toMatchObject({ judgedMs: 10_000, offlineMs: 10_000 });
    const pruned = timeIn([], stateOf(GONE, at(40)), { since: at(0), until: at(60) });
    expect(pruned).toMatchObject({ judgedSince: at(40), judgedMs: 20_000, changes: 0, longestOutage: { since: at(40), until: at(60) } });
    expect(timeIn([], pendingState(1), { since: at(0), until: at(60) }).judgedSince).toBeNull();
  });
});

describe("clocks", () => {
  test("a report that was kept back ends no outage before it came, but its status holds from when it says", () => {
    const history = [change(0, PENDING, OK), change(10, OK, GONE, { detectedAt: at(11) }), change(15, GONE, HOT, { detectedAt: at(60) })];
    const times = timeIn(history, stateOf(HOT), { since: at(0), until: at(70) });
    expect(times).toMatchObject({ onlineMs: 20_000, offlineMs: 50_000, longestOutage: { since: at(10), until: at(60) } });
    expect(times.statuses).toEqual([
      ["hot", 55_000],
      ["ok", 15_000],
    ]);
  });

  test("a first report from long ago begins nothing before it came", () => {
    const history = [change(0, PENDING, OK, { occurredAt: 0 }), change(10, OK, HOT)];
    expect(timeIn(history, stateOf(HOT), { since: at(-100), until: at(20) })).toMatchObject({ judgedSince: at(0), judgedMs: 20_000 });
  });

  test("a time that lies before the one of the change before it counts as that one", () => {
    const history = [change(0, PENDING, OK), change(30, OK, HOT), change(20, HOT, OK, { detectedAt: at(31) })];
    expect(timeIn(history, stateOf(OK), { since: at(0), until: at(40) })).toMatchObject({ judgedMs: 40_000, statuses: [["ok", 40_000]] });
  });
});

describe("a sensor that was deleted and registered again", () => {
  const history = [change(0, PENDING, OK), change(10, OK, HOT), change(50, PENDING, OK)];

  test("is judged since it was heard again", () => {
    const times = timeIn(history, stateOf(OK), { since: at(0), until: at(60) });
    expect(times).toMatchObject({ judgedSince: at(50), judgedMs: 10_000, changes: 1, statuses: [["ok", 10_000]] });
    expect(times.severities).toEqual({ ...Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])), ok: 10_000 } as never);
  });

  test("is not judged at all in a window from before, nor while it has yet to be heard", () => {
    expect(timeIn(history, stateOf(OK), { since: at(0), until: at(40) }).judgedSince).toBeNull();
    expect(timeIn(history.slice(0, 2), pendingState(2), { since: at(0), until: at(60) }).judgedSince).toBeNull();
  });
});

test("of more statuses than anybody reads the times are refused, with what to do", () => {
  const history = Array.from({ length: TIMED_STATUSES_MAX + 2 }, (_, index) => {
    const condition = (number: number) => (number < 0 ? PENDING : { ...OK, status: `s${number}` });
    return change(index, condition(index - 1), condition(index));
  });
  expect(() => timeIn(history, stateOf(OK), { since: at(0), until: at(5000) })).toThrow("The time window holds too much.");
  expect(timeIn(history.slice(0, -2), stateOf(OK), { since: at(0), until: at(5000) }).statuses).toHaveLength(TIMED_STATUSES_MAX);
});
