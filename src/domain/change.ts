import type { Report } from "./report";
import type { Labels, Sensor } from "./sensor";
import type { Condition } from "./state";

export const CHANGE_KINDS = ["status", "availability"] as const;
/** `status` when status or severity moved, else `availability`. */
export type ChangeKind = (typeof CHANGE_KINDS)[number];
export const CHANGE_CAUSES = ["report", "timeout", "operator"] as const;
export type ChangeCause = (typeof CHANGE_CAUSES)[number];

/** What `decide` found to have changed: not yet numbered in its partition. Times are epoch milliseconds. */
export interface ChangeDraft {
  readonly sensorId: string;
  readonly revision: number;
  readonly kind: ChangeKind;
  readonly from: Condition;
  readonly to: Condition;
  readonly cause: ChangeCause;
  /** When it happened: the report's effective time, the moment we heard again, or the missed deadline itself. */
  readonly occurredAt: number;
  /** When we saw it, on the stream's clock. */
  readonly detectedAt: number;
  /** How long the condition before had lasted; null for the first change. */
  readonly previousDurationMs: number | null;
  readonly report: Pick<Report, "value" | "message" | "attributes"> | null;
}

/** A change as it is kept, published and delivered. `number` counts a partition's changes from 1 without gaps. */
export interface Change extends ChangeDraft {
  readonly id: string;
  readonly partition: number;
  readonly number: number;
  readonly sensor: { readonly name: string; readonly labels: Labels };
}

export function changeId(partition: number, number: number): string {
  return `chg_${partition}_${number}`;
}

const CHANGE_ID = /^chg_(0|[1-9]\d{0,4})_([1-9]\d{0,14})$/;

/** The (partition, number) that an id was derived from, or null if it is none of ours. */
export function parseChangeId(id: string): { partition: number; number: number } | null {
  const match = CHANGE_ID.exec(id);
  return match === null ? null : { partition: Number(match[1]), number: Number(match[2]) };
}

/** Numbers a draft and freezes the sensor's name and labels of this moment into it. */
export function numberChange(draft: ChangeDraft, sensor: Sensor, partition: number, number: number): Change {
  return {
    ...draft,
    id: changeId(partition, number),
    partition,
    number,
    sensor: { name: sensor.name, labels: sensor.labels },
  };
}

/** The `data` of a webhook, an item of `GET /v1/changes`, and the `data` of a message under `changes.>`: one shape. */
export function changeData(change: Change): ChangeData {
  return {
    changeId: change.id,
    sensorId: change.sensorId,
    sensor: change.sensor,
    revision: change.revision,
    kind: change.kind,
    from: conditionOf(change.from),
    to: conditionOf(change.to),
    cause: change.cause,
    occurredAt: new Date(change.occurredAt).toISOString(),
    detectedAt: new Date(change.detectedAt).toISOString(),
    previousDurationMs: change.previousDurationMs,
    report: change.report,
  };
}

export interface ChangeData {
  readonly changeId: string;
  readonly sensorId: string;
  readonly sensor: { readonly name: string; readonly labels: Labels };
  readonly revision: number;
  readonly kind: ChangeKind;
  readonly from: Condition;
  readonly to: Condition;
  readonly cause: ChangeCause;
  readonly occurredAt: string;
  readonly detectedAt: string;
  readonly previousDurationMs: number | null;
  readonly report: Pick<Report, "value" | "message" | "attributes"> | null;
}

export const EVENT_TYPES: Record<ChangeKind, string> = {
  status: "sensor.status.changed",
  availability: "sensor.availability.changed",
};

/**
 * The body of a webhook and of a message under `changes.>`. `data` is the JSON text that was written with the change, so that
 * a body is the same for ever.
 */
export function changeBody(kind: ChangeKind, occurredAt: number, data: string): string {
  return eventBody(EVENT_TYPES[kind], occurredAt, data);
}

/** The three fields that Standard Webhooks 1.0 recommends. */
export function eventBody(type: string, occurredAt: number, data: string): string {
  return `{"type":"${type}","timestamp":"${new Date(occurredAt).toISOString()}","data":${data}}`;
}

export function conditionOf(condition: Condition): Condition {
  return { status: condition.status, severity: condition.severity, availability: condition.availability };
}
