import { type ChangeDraft, type ChangeKind, conditionOf } from "./change";
import type { Report } from "./report";
import { heartbeatMs, type Sensor } from "./sensor";
import type { Severity } from "./severity";
import type { Condition, State } from "./state";
import type { StatusCatalogue } from "./statusCatalogue";

/** What became of a report. */
export const DISPOSITIONS = ["applied", "unchanged", "late", "duplicate"] as const;
export type Disposition = (typeof DISPOSITIONS)[number];

export interface Decision {
  readonly state: State;
  readonly disposition: Disposition;
  readonly change: ChangeDraft | null;
}

/** A report in its place in the log. `receivedAt` is the stream's clock, monotonic in a partition, epoch milliseconds. */
export interface PlacedReport {
  readonly report: Report;
  readonly receivedAt: number;
}

/** What a decision must know beside the sensor and the report. */
export interface Known {
  /** Whether the log holds this report already; must have been asked of it whenever {@link mayBeDuplicate} says so. */
  readonly duplicate: boolean;
  readonly catalogue: StatusCatalogue;
}

/** What a report does to a state. Pure: the same log and the same edits give the same changes. A report makes at most one change. */
export function decide(sensor: Sensor, state: State, placed: PlacedReport, { duplicate, catalogue }: Known): Decision {
  const { report, receivedAt } = placed;
  if (duplicate) return { state, disposition: "duplicate", change: null };
  const effectiveAt = effectiveTime(report, receivedAt);
  const late = state.lastReportedAt !== null && effectiveAt < state.lastReportedAt;
  const next: Condition = late
    ? { status: state.status, severity: state.severity, availability: "online" }
    : { status: report.status, severity: severityOf(report, catalogue), availability: "online" };
  const kind = kindOf(state, next);
  const heard: State = {
    ...state,
    ...next,
    lastReportedAt: late ? state.lastReportedAt : effectiveAt,
    lastReceivedAt: receivedAt,
    atMax: newest(state.atMax, report.at),
    checkAt: nextCheck(sensor, state, receivedAt),
  };
  const unmoved = late ? "late" : "unchanged";
  if (kind === null) return { state: heard, disposition: unmoved, change: null };
  const occurredAt = kind === "status" ? effectiveAt : receivedAt;
  const change = draftChange({ sensor, state, next, kind, occurredAt, detectedAt: receivedAt, report });
  return {
    state: { ...heard, since: occurredAt, revision: change.revision },
    disposition: kind === "status" ? "applied" : unmoved,
    change,
  };
}

/**
 * Whether the log must be asked if this id was there before: not when the sensor's own clock says that the report is new. That is a
 * matter of `at` as sent: the effective time of a clock that runs ahead is our own, and would take a repeat for news.
 */
export function mayBeDuplicate(state: Pick<State, "atMax">, report: Report): boolean {
  if (report.id === null) return false;
  return report.at === null || (state.atMax !== null && report.at <= state.atMax);
}

/** The earlier of the sensor's word and our own clock. */
export function effectiveTime(report: Report, receivedAt: number): number {
  return report.at === null ? receivedAt : Math.min(report.at, receivedAt);
}

export interface TimeoutDecision {
  readonly state: State;
  readonly change: ChangeDraft | null;
}

/**
 * Judges a sensor's heartbeat at a tick. `watermark` is the tick's own `receivedAt`; `darkEndedAt` the end of the last time in which
 * nothing was read at all: nobody is late for what they may have said then. Pure; moves `checkAt` to the next moment worth a look.
 */
export function judgeHeartbeat(sensor: Sensor, state: State, clock: { watermark: number; darkEndedAt: number }): TimeoutDecision {
  if (sensor.heartbeat === null || state.availability !== "online" || state.lastReceivedAt === null) {
    return { state: state.checkAt === null ? state : { ...state, checkAt: null }, change: null };
  }
  const deadline = Math.max(state.lastReceivedAt, clock.darkEndedAt) + heartbeatMs(sensor.heartbeat);
  if (deadline > clock.watermark) {
    return { state: state.checkAt === deadline ? state : { ...state, checkAt: deadline }, change: null };
  }
  const next: Condition = { status: state.status, severity: state.severity, availability: "offline" };
  const change = draftChange({
    sensor,
    state,
    next,
    kind: "availability",
    occurredAt: deadline,
    detectedAt: clock.watermark,
    report: null,
  });
  return { state: { ...state, ...next, since: deadline, revision: change.revision, checkAt: null }, change };
}

/** The `checkAt` of a sensor whose registration was edited: sooner if its heartbeat was shortened, none if it was taken away. */
export function checkAfterEdit(sensor: Sensor, state: State): number | null {
  if (sensor.heartbeat === null || state.availability !== "online" || state.lastReceivedAt === null) return null;
  const deadline = state.lastReceivedAt + heartbeatMs(sensor.heartbeat);
  return state.checkAt === null ? deadline : Math.min(state.checkAt, deadline);
}

/** Left alone while it lies ahead: an indexed column that moved with every report would make each one much dearer. */
function nextCheck(sensor: Sensor, state: State, receivedAt: number): number | null {
  if (sensor.heartbeat === null) return null;
  return state.checkAt ?? receivedAt + heartbeatMs(sensor.heartbeat);
}

function newest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}

function severityOf(report: Report, catalogue: StatusCatalogue): Severity {
  return report.severity ?? catalogue.get(report.status) ?? "unknown";
}

function kindOf(from: Condition, to: Condition): ChangeKind | null {
  if (from.status !== to.status || from.severity !== to.severity) return "status";
  return from.availability === to.availability ? null : "availability";
}

interface Draft {
  readonly sensor: Sensor;
  readonly state: State;
  readonly next: Condition;
  readonly kind: ChangeKind;
  readonly occurredAt: number;
  readonly detectedAt: number;
  readonly report: Report | null;
}

function draftChange({ sensor, state, next, kind, occurredAt, detectedAt, report }: Draft): ChangeDraft {
  return {
    sensorId: sensor.id,
    revision: state.revision + 1,
    kind,
    from: conditionOf(state),
    to: conditionOf(next),
    cause: report === null ? "timeout" : "report",
    occurredAt,
    detectedAt,
    previousDurationMs: state.since === null ? null : Math.max(0, occurredAt - state.since),
    report: report === null ? null : { value: report.value, message: report.message, attributes: report.attributes },
  };
}
