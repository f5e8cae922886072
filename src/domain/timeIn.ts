import type { Change } from "./change";
import { Fault } from "./fault";
import { SEVERITIES, type Severity } from "./severity";
import type { State } from "./state";

/** In more statuses than this nobody reads the times. */
export const TIMED_STATUSES_MAX = 1000;

/** What must be known of a change. */
export type TimedChange = Pick<Change, "from" | "to" | "occurredAt" | "detectedAt" | "previousDurationMs">;

/** How long a sensor was in what. All that is judged lies between two moments, without a gap; each axis adds up to `judgedMs`. */
export interface TimeIn {
  /** Since when the sensor could be judged; null if nothing could. */
  readonly judgedSince: number | null;
  readonly judgedUntil: number | null;
  readonly judgedMs: number;
  readonly onlineMs: number;
  readonly offlineMs: number;
  readonly severities: Readonly<Record<Severity, number>>;
  /** The longest first. */
  readonly statuses: readonly (readonly [status: string, ms: number])[];
  /** How many changes occurred in the window. */
  readonly changes: number;
  readonly longestOutage: { readonly since: number; readonly until: number } | null;
}

/**
 * Adds up how long a sensor was in what, within a window. Pure; of its changes none is kept.
 *
 * The axes have times of their own. A status holds from the moment that the sensor named (`occurredAt`). Being offline begins at the missed
 * deadline (`occurredAt`), being online when the sensor was heard (`detectedAt`): a report that was kept back and names an earlier moment
 * ends no outage before it came. Nobody judges what was before the first report of the present registration, nor what was before the
 * oldest change that is still kept, unless that one tells how long it had lasted. A time that lay before the one of the change before it
 * counts as that one: nothing goes back.
 */
export class TimeInWindow {
  #begun = false;
  #since = 0;
  #availability = { label: "pending", at: 0 };
  #status: { label: { readonly status: string; readonly severity: Severity } | null; at: number } = { label: null, at: 0 };
  #onlineMs = 0;
  #offlineMs = 0;
  #severities: Record<Severity, number> = noTime();
  #statuses = new Map<string, number>();
  #changes = 0;
  #longest: { since: number; until: number } | null = null;

  /** Epoch milliseconds, `until` exclusive: at most now, and at most when the sensor was deleted. */
  constructor(private readonly window: { readonly since: number; readonly until: number }) {}

  /** Takes every change that was detected in the window or later, in the order of revisions. Throws `Fault` (invalid) beyond TIMED_STATUSES_MAX. */
  add(change: TimedChange): void {
    const { from, to, occurredAt, detectedAt, previousDurationMs } = change;
    if (from.availability === "pending") this.#begin(to, detectedAt);
    else if (!this.#begun) this.#begin(from, occurredAt - (previousDurationMs ?? 0));
    if (occurredAt >= this.window.since && occurredAt < this.window.until) this.#changes += 1;
    if (from.status !== to.status || from.severity !== to.severity) this.#moveStatus(to, occurredAt);
    if (from.availability !== to.availability) this.#moveAvailability(to, to.availability === "offline" ? occurredAt : detectedAt);
  }

  /** `state`: what is believed of the sensor behind the last change. Throws as {@link add} does. */
  finish(state: Pick<State, "status" | "severity" | "availability" | "since">): TimeIn {
    if (!this.#begun && state.availability !== "pending") this.#begin(state, state.since ?? this.window.since);
    const { until } = this.window;
    const judged = this.#begun && this.#since < until && state.availability !== "pending";
    if (!judged) return { ...NOTHING_JUDGED, severities: noTime() };
    this.#moveStatus(state, until);
    this.#moveAvailability(state, until);
    return {
      judgedSince: this.#since,
      judgedUntil: until,
      judgedMs: until - this.#since,
      onlineMs: this.#onlineMs,
      offlineMs: this.#offlineMs,
      severities: this.#severities,
      statuses: [...this.#statuses].toSorted(([a, aMs], [b, bMs]) => bMs - aMs || (a < b ? -1 : 1)),
      changes: this.#changes,
      longestOutage: this.#longest,
    };
  }

  /** From here on it is judged; whatever was before was another registration's. */
  #begin(condition: Pick<State, "status" | "severity" | "availability">, at: number): void {
    const since = Math.max(at, this.window.since);
    this.#begun = true;
    this.#since = since;
    this.#availability = { label: condition.availability, at: since };
    this.#status = { label: labelOf(condition), at: since };
    [this.#onlineMs, this.#offlineMs, this.#changes] = [0, 0, 0];
    this.#severities = noTime();
    this.#statuses = new Map();
    this.#longest = null;
  }

  #moveStatus(to: Pick<State, "status" | "severity">, time: number): void {
    const { label, at } = this.#status;
    const until = this.#within(at, time);
    if (label !== null && until > at) {
      this.#severities[label.severity] += until - at;
      this.#statuses.set(label.status, (this.#statuses.get(label.status) ?? 0) + until - at);
      if (this.#statuses.size > TIMED_STATUSES_MAX) throw tooMany();
    }
    this.#status = { label: labelOf(to), at: Math.max(at, until) };
  }

  #moveAvailability(to: Pick<State, "availability">, time: number): void {
    const { label, at } = this.#availability;
    const until = this.#within(at, time);
    const ms = Math.max(0, until - at);
    if (label === "online") this.#onlineMs += ms;
    if (label === "offline") this.#offlineMs += ms;
    const longestMs = this.#longest === null ? 0 : this.#longest.until - this.#longest.since;
    if (label === "offline" && ms > longestMs) this.#longest = { since: at, until };
    this.#availability = { label: to.availability, at: Math.max(at, until) };
  }

  #within(at: number, time: number): number {
    return Math.min(Math.max(at, time), this.window.until);
  }
}

const NOTHING_JUDGED = {
  judgedSince: null,
  judgedUntil: null,
  judgedMs: 0,
  onlineMs: 0,
  offlineMs: 0,
  statuses: [],
  changes: 0,
  longestOutage: null,
} as const;

function noTime(): Record<Severity, number> {
  return Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) as Record<Severity, number>;
}

function labelOf({ status, severity }: Pick<State, "status" | "severity">) {
  return status === null || severity === null ? null : { status, severity };
}

function tooMany(): Fault {
  const message = `the sensor was in more than ${TIMED_STATUSES_MAX} statuses since then: ask for a shorter time`;
  return new Fault("invalid", "The time window holds too much.", { errors: [{ pointer: "/since", message }] });
}
