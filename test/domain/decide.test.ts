import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Condition, pendingState } from "../../src/domain/state";
import { conditionOf } from "../../src/domain/change";
import { checkAfterEdit, decide, effectiveTime, judgeHeartbeat, mayBeDuplicate } from "../../src/domain/decide";
import { heartbeatMs } from "../../src/domain/sensor";
import { STATUS_CATALOGUE } from "../../src/domain/severity";
import { BEGINS, heartbeats, live, reportOf, SENSOR, sensorWith, type Step, timelines } from "./timeline";

/** Holds for every step of every life, with a heartbeat or without. */
function always(holds: (step: Step, heartbeatAllowsMs: number) => void): void {
  fc.assert(
    fc.property(heartbeats, timelines, (heartbeat, timeline) => {
      const allowedMs = heartbeat === null ? Infinity : heartbeatMs(heartbeat);
      for (const step of live(sensorWith(heartbeat), timeline)) holds(step, allowedMs);
    }),
    { numRuns: 300 },
  );
}

const PENDING: Condition = { status: null, severity: null, availability: "pending" };
const NEWS = { duplicate: false, catalogue: STATUS_CATALOGUE };
const at = (seconds: number) => BEGINS + seconds * 1000;

/** The state after reports and ticks at the seconds given. */
function after(...said: { second: number; status?: string; at?: number }[]) {
  let state = pendingState(1);
  for (const { second, status, at: saidAt } of said) {
    const clock = { watermark: at(second), darkEndedAt: 0 };
    if (status === undefined) state = judgeHeartbeat(SENSOR, state, clock).state;
    else state = decide(SENSOR, state, { report: reportOf(status, { at: saidAt ?? null }), receivedAt: at(second) }, NEWS).state;
  }
  return state;
}

describe("in every life of a sensor", () => {
  test("changes are numbered 1, 2, 3 …, and from fits the to before it", () => {
    fc.assert(
      fc.property(heartbeats, timelines, (heartbeat, timeline) => {
        const steps = live(sensorWith(heartbeat), timeline);
        const changes = steps.flatMap(({ change }) => change ?? []);
        let from = PENDING;
        for (const [index, change] of changes.entries()) {
          expect(change.revision).toBe(index + 1);
          expect(change.from).toEqual(from);
          expect(change.to).not.toEqual(change.from);
          from = change.to;
        }
        const last = steps.at(-1)?.after ?? pendingState(1);
        expect(conditionOf(last)).toEqual(from);
        expect(last.revision).toBe(changes.length);
      }),
      { numRuns: 300 },
    );
  });

  test("a change is of kind status when status or severity moved, else of kind availability", () => {
    always(({ change }) => {
      if (change === null) return;
      const moved = change.from.status !== change.to.status || change.from.severity !== change.to.severity;
      expect(change.kind).toBe(moved ? "status" : "availability");
    });
  });

  test("what makes no change leaves the condition, since and the revision alone", () => {
    always(({ before, after, change }) => {
      if (change === null)
        expect({ ...conditionOf(after), since: after.since, revision: after.revision }).toEqual({
          ...conditionOf(before),
          since: before.since,
          revision: before.revision,
        });
      else expect({ since: after.since, revision: after.revision }).toEqual({ since: change.occurredAt, revision: change.revision });
    });
  });

  test("a duplicate changes nothing at all", () => {
    always(({ entry, before, after, disposition, change }) => {
      if (entry.said?.duplicate !== true) return;
      expect(disposition).toBe("duplicate");
      expect(after).toEqual(before);
      expect(change).toBeNull();
    });
  });

  test("a late report never moves the status, and is a sign of life", () => {
    always(({ before, after, disposition, change, receivedAt }) => {
      if (disposition !== "late") return;
      expect([after.status, after.severity]).toEqual([before.status, before.severity]);
      expect(change?.kind ?? "availability").toBe("availability");
      expect(after).toMatchObject({ availability: "online", lastReceivedAt: receivedAt, lastReportedAt: before.lastReportedAt });
    });
  });

  test("a report is late exactly when its effective time lies before that of the newest one that counted", () => {
    always(({ report, before, disposition, receivedAt }) => {
      if (report === null || disposition === "duplicate") return;
      const earlier = before.lastReportedAt !== null && effectiveTime(report, receivedAt) < before.lastReportedAt;
      expect(disposition === "late").toBe(earlier);
    });
  });

  test("the clocks never go back", () => {
    always(({ before, after }) => {
      for (const clock of ["lastReportedAt", "lastReceivedAt", "atMax"] as const) {
        expect(after[clock] ?? 0).toBeGreaterThanOrEqual(before[clock] ?? 0);
      }
    });
  });

  test("a change lasted as long as it says, and never less than nothing", () => {
    always(({ before, change }) => {
      if (change === null) return;
      const expected = before.since === null ? null : Math.max(0, change.occurredAt - before.since);
      expect(change.previousDurationMs).toBe(expected);
    });
  });

  test("offline is decided at a tick alone, once a miss, and says the missed deadline", () => {
    always(({ report, before, after, change, receivedAt, darkEndedAt }, allowedMs) => {
      if (change?.to.availability !== "offline") return;
      expect(report).toBeNull();
      expect(before.availability).toBe("online");
      expect(change.occurredAt).toBe(Math.max(before.lastReceivedAt ?? 0, darkEndedAt) + allowedMs);
      expect(change).toMatchObject({ cause: "timeout", detectedAt: receivedAt, report: null });
      expect([after.status, after.severity]).toEqual([before.status, before.severity]);
    });
  });

  test("nobody is judged within interval + grace of the dark time's end", () => {
    always(({ change, receivedAt, darkEndedAt }, allowedMs) => {
      if (change?.to.availability === "offline") expect(receivedAt - darkEndedAt).toBeGreaterThanOrEqual(allowedMs);
    });
  });

  test("whoever is silent for interval + grace outside a dark time is offline at the next tick, and nobody else", () => {
    always(({ entry, before, after, receivedAt, darkEndedAt }, allowedMs) => {
      if (entry.said !== null || before.availability !== "online") return;
      const silentMs = receivedAt - Math.max(before.lastReceivedAt ?? 0, darkEndedAt);
      expect(after.availability).toBe(silentMs >= allowedMs ? "offline" : "online");
    });
  });

  test("checkAt is never later than the deadline, and there is none when nobody needs to look", () => {
    always(({ after, darkEndedAt }, allowedMs) => {
      if (allowedMs === Infinity || after.availability !== "online") expect(after.checkAt).toBeNull();
      else expect(after.checkAt).toBeLessThanOrEqual(Math.max(after.lastReceivedAt ?? 0, darkEndedAt) + allowedMs);
    });
  });

  test("checkAt is left alone while it lies ahead: the index on it is not moved by every report", () => {
    always(({ report, before, after, receivedAt }) => {
      if (report !== null && before.checkAt !== null && before.checkAt > receivedAt) expect(after.checkAt).toBe(before.checkAt);
    });
  });

  test("everything that is said above does happen", () => {
    const seen = new Set<unknown>();
    for (const timeline of fc.sample(timelines, { seed: 1, numRuns: 200 })) {
      for (const { disposition, change, before } of live(SENSOR, timeline)) {
        seen.add(disposition).add(change?.to.availability).add(change?.kind).add(`${change?.from.availability} ${disposition}`);
        if (change !== null && before.since !== null && change.occurredAt < before.since) seen.add("occurred before since");
      }
    }
    for (const what of [
      "applied",
      "unchanged",
      "late",
      "duplicate",
      "offline",
      "availability",
      "offline late",
      "offline unchanged",
      "occurred before since",
    ]) {
      expect(seen.has(what), what).toBe(true);
    }
  });

  test("a sensor without a heartbeat never goes offline", () => {
    fc.assert(
      fc.property(timelines, (timeline) => {
        for (const { after } of live(sensorWith(null), timeline)) expect(after.availability).not.toBe("offline");
      }),
    );
  });
});

describe("a report", () => {
  test("that is the first one makes a change from pending, and is never late", () => {
    fc.assert(
      fc.property(fc.option(fc.integer({ min: 0, max: BEGINS * 2 })), (saidAt) => {
        const decision = decide(SENSOR, pendingState(1), { report: reportOf("ok", { at: saidAt }), receivedAt: BEGINS }, NEWS);
        expect(decision.disposition).toBe("applied");
        expect(decision.change).toMatchObject({ revision: 1, kind: "status", from: PENDING, previousDurationMs: null, detectedAt: BEGINS });
        expect(decision.change?.occurredAt).toBe(Math.min(saidAt ?? BEGINS, BEGINS));
      }),
    );
  });

  test("of the same effective time is not late: the log's order decides", () => {
    const state = after({ second: 10, status: "ok", at: at(5) });
    const { disposition, change } = decide(SENSOR, state, { report: reportOf("hot", { at: at(5) }), receivedAt: at(11) }, NEWS);
    expect(disposition).toBe("applied");
    expect(change?.occurredAt).toBe(at(5));
  });

  test("whose clock runs ahead is judged by when it was received", () => {
    const state = after({ second: 10, status: "ok", at: at(9999) });
    expect(state).toMatchObject({ lastReportedAt: at(10), atMax: at(9999) });
    expect(decide(SENSOR, state, { report: reportOf("hot"), receivedAt: at(11) }, NEWS).disposition).toBe("applied");
  });

  test("takes its severity from itself, else from the catalogue, else it is unknown", () => {
    const severityOf = (status: string, severity: "ok" | null) =>
      decide(SENSOR, pendingState(1), { report: reportOf(status, { severity }), receivedAt: BEGINS }, NEWS).state.severity;
    expect(severityOf("overheated", "ok")).toBe("ok");
    expect(severityOf("overheated", null)).toBe("critical");
    expect(severityOf("door.open", null)).toBe("unknown");
  });

  test("after an outage with another status makes one change of both", () => {
    const offline = after({ second: 0, status: "ok" }, { second: 6 });
    expect(offline).toMatchObject({ availability: "offline", since: at(6), revision: 2 });
    const { change, disposition } = decide(SENSOR, offline, { report: reportOf("hot"), receivedAt: at(9) }, NEWS);
    expect(disposition).toBe("applied");
    expect(change).toMatchObject({ kind: "status", revision: 3, previousDurationMs: 3000 });
    expect(change?.from).toEqual({ status: "ok", severity: "ok", availability: "offline" });
    expect(change?.to).toEqual({ status: "hot", severity: "warning", availability: "online" });
  });

  test("after an outage with the same status changes the availability at the moment we heard again", () => {
    const offline = after({ second: 0, status: "ok" }, { second: 6 });
    const { change, disposition } = decide(SENSOR, offline, { report: reportOf("ok", { at: at(7) }), receivedAt: at(9) }, NEWS);
    expect(disposition).toBe("unchanged");
    expect(change).toMatchObject({ kind: "availability", cause: "report", occurredAt: at(9) });
  });

  test("hands its value, message and attributes on with the change, and nothing else of itself", () => {
    const report = reportOf("hot", { value: 97.5, message: "too warm", attributes: { pump: 2 }, id: "m-1" });
    const { change } = decide(SENSOR, pendingState(1), { report, receivedAt: BEGINS }, NEWS);
    expect(change?.report).toEqual({ value: 97.5, message: "too warm", attributes: { pump: 2 } });
  });
});

describe("the log is asked for a report's id", () => {
  test("whenever its own clock does not say that it is new", () => {
    const state = after({ second: 10, status: "ok", at: at(5) });
    const asked = (report: Parameters<typeof reportOf>[1]) => mayBeDuplicate(state, reportOf("ok", report));
    expect(asked({ id: "m-1" })).toBe(true);
    expect(asked({ id: "m-1", at: at(5) })).toBe(true);
    expect(asked({ id: "m-1", at: at(4) })).toBe(true);
    expect(asked({ id: "m-1", at: at(6) })).toBe(false);
    expect(asked({ at: at(4) })).toBe(false);
    expect(mayBeDuplicate(after({ second: 10, status: "ok" }), reportOf("ok", { id: "m-1" }))).toBe(true);
  });

  test("for every repeat of what was heard before, whatever came between", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: -20, max: 20 })), { minLength: 1, maxLength: 20 }), fc.nat(), (saidAt, pick) => {
        let state = pendingState(1);
        const reports = saidAt.map((second, index) => reportOf("ok", { id: `m-${index}`, at: second === null ? null : at(second) }));
        for (const report of reports) state = decide(SENSOR, state, { report, receivedAt: BEGINS }, NEWS).state;
        const repeated = reports[pick % reports.length] ?? reportOf("ok");
        expect(mayBeDuplicate(state, repeated)).toBe(true);
      }),
    );
  });
});

describe("an edit of the heartbeat", () => {
  const online = after({ second: 0, status: "ok" });

  test("brings the look forward when it is shortened, and never puts it off", () => {
    expect(checkAfterEdit(sensorWith({ intervalSeconds: 60, graceSeconds: 0 }), online)).toBe(at(6));
    expect(checkAfterEdit(sensorWith({ intervalSeconds: 5, graceSeconds: 0 }), online)).toBe(at(5));
    expect(checkAfterEdit(sensorWith({ intervalSeconds: 9, graceSeconds: 0 }), { ...online, checkAt: null })).toBe(at(9));
  });

  test("takes the look away with the heartbeat, and makes none for who was never heard", () => {
    expect(checkAfterEdit(sensorWith(null), online)).toBeNull();
    expect(checkAfterEdit(SENSOR, pendingState(1))).toBeNull();
  });
});
