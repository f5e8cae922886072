import type { Availability, Severity } from "./severity";

/** The three axes on which a sensor can differ from what we believed. `null` before the first report. */
export interface Condition {
  readonly status: string | null;
  readonly severity: Severity | null;
  readonly availability: Availability;
}

/** What we believe of a sensor now. Written only by the node that owns its partition. Times are epoch milliseconds. */
export interface State extends Condition {
  /** When the last change occurred; null before the first. */
  readonly since: number | null;
  /** The effective time (the earlier of the sensor's `at` and our `receivedAt`) of the newest report that counted. */
  readonly lastReportedAt: number | null;
  /** When we last heard anything of the sensor, on the stream's clock. */
  readonly lastReceivedAt: number | null;
  /** The newest `at` that the sensor ever sent, as it was sent: a report whose `at` is newer cannot be a repeat. */
  readonly atMax: number | null;
  /** The number of the sensor's last change; 0 before the first. */
  readonly revision: number;
  /** When to look whether its heartbeat was missed; null when nobody needs to. Never later than the true deadline. */
  readonly checkAt: number | null;
  /** The registration (`Sensor.life`) this was written in. */
  readonly life: number;
}

/** The state of a sensor that was never heard in this life; the revision of an earlier life goes on, and its reports are still known. */
export function pendingState(life: number, before: Pick<State, "revision" | "atMax"> = { revision: 0, atMax: null }): State {
  return {
    status: null,
    severity: null,
    availability: "pending",
    since: null,
    lastReportedAt: null,
    lastReceivedAt: null,
    atMax: before.atMax,
    revision: before.revision,
    checkAt: null,
    life,
  };
}

/** What is believed of a sensor in its present life, given what was last written of it. */
export function currentState(written: State | null, life: number): State {
  if (written === null) return pendingState(life);
  return written.life === life ? written : pendingState(life, written);
}
