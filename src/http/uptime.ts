/** How long a sensor was in what. */
import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ChangeData } from "../domain/change";
import { SEVERITIES, type Severity } from "../domain/severity";
import { currentState } from "../domain/state";
import { type TimeIn, TimeInWindow, TIMED_STATUSES_MAX } from "../domain/timeIn";
import { nextTurn } from "../nextTurn";
import type { SensorAndState, TimelineStore } from "../store/store";
import { type Calls, reachOf } from "./calls";
import { nullable, RangeFields, rangeOf, SensorId, SensorParams, Time, timeOf, TimeOrNull, timeOrNull } from "./fields";
import { demandKnown, type KnownSensors } from "./knownSensors";
import { operation } from "./document/operation";
import { invalid } from "./problems";

const DAY_MS = 24 * 3600 * 1000;
/** The longest window. */
const UPTIME_DAYS_MAX = 366;
/** So many changes are added up for one answer. */
const UPTIME_CHANGES_MAX = 200_000;
/** Each may hold 64 KiB, and all of them are parsed in one turn. */
const CHANGES_AT_ONCE = 100;

const Span = Type.Object({
  ms: Type.Number(),
  share: Type.Number({ description: "Share of `judgedMs`, from 0 to 1; 0 if nothing was judged." }),
});

const Uptime = Type.Object(
  {
    sensorId: SensorId,
    since: Time,
    until: Time,
    judgedSince: Type.Union([Time, Type.Null()], { description: "Since when the sensor could be judged; null if nothing could." }),
    judgedUntil: TimeOrNull,
    judgedMs: Type.Number(),
    uptime: nullable(Type.Number(), { description: "The share of the judged time in which it was online; null when nothing was judged." }),
    availability: Type.Object({ online: Span, offline: Span }),
    severities: Type.Object(Object.fromEntries(SEVERITIES.map((severity) => [severity, Span])) as Record<Severity, typeof Span>),
    statuses: Type.Array(Type.Object({ status: Type.String(), ...Span.properties }), { description: "The longest first." }),
    changes: Type.Integer({ description: "How many changes occurred in the window." }),
    longestOutage: nullable(Type.Object({ since: Time, until: Time, ms: Type.Number() }), {
      description: "Only the part inside the window counts.",
    }),
  },
  { $id: "Uptime" },
);

const UptimeQuery = Type.Object(RangeFields, { additionalProperties: false });

export interface UptimeOptions {
  readonly calls: Calls;
  readonly store: TimelineStore & KnownSensors;
  readonly clock?: () => number;
}

export function uptime({ store, calls, clock = Date.now }: UptimeOptions) {
  return new Elysia({ name: "uptime" }).get(
    "/v1/sensors/:id/uptime",
    async ({ params: { id }, query, request }) => {
      const window = windowOf(query, clock());
      const known = await demandKnown(store, id, reachOf(calls, request));
      return uptimeView(id, window, await addUp(store, known, window));
    },
    { params: SensorParams, query: UptimeQuery, ...GET },
  );
}

interface Window {
  readonly since: number;
  readonly until: number;
}

/** Nobody knows what will be: a later end is now. Throws a 422. */
function windowOf(query: Static<typeof UptimeQuery>, now: number): Window {
  const range = rangeOf(query);
  const until = Math.min(range.until ?? now, now);
  const since = range.since ?? until - DAY_MS;
  if (since >= until) throw invalid("The window is not valid.", [{ pointer: "/since", message: "must be before until, and before now" }]);
  if (until - since <= UPTIME_DAYS_MAX * DAY_MS) return { since, until };
  throw invalid("The window is not valid.", [{ pointer: "/since", message: `must be at most ${UPTIME_DAYS_MAX} days before until` }]);
}

async function addUp(
  store: TimelineStore,
  { sensor, state: written, deletedAt }: SensorAndState,
  { since, until }: Window,
): Promise<TimeIn> {
  const state = currentState(written, sensor.life);
  const times = new TimeInWindow({ since, until: Math.min(until, deletedAt ?? until) });
  // Of a sensor that is not heard yet all changes are an earlier registration's.
  const first =
    state.availability === "pending" ? state.revision + 1 : await firstDetected(store, sensor.id, { since, last: state.revision });
  let added = 0;
  for (let revision = first; ; await nextTurn()) {
    const changes = await store.changesFrom(sensor.id, revision, CHANGES_AT_ONCE);
    for (const change of changes) times.add(timedChangeOf(change));
    const last = changes.at(-1);
    if (last === undefined || changes.length < CHANGES_AT_ONCE) return times.finish(state);
    revision = last.revision + 1;
    added += changes.length;
    if (added > UPTIME_CHANGES_MAX) throw tooMany();
  }
}

/** By halves: the later revision was detected later. What is no longer kept was before everything that is. */
async function firstDetected(store: TimelineStore, sensorId: string, { since, last }: { since: number; last: number }): Promise<number> {
  let [low, high] = [1, last + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [change] = await store.changesFrom(sensorId, middle, 1);
    if (change === undefined || Date.parse(change.detectedAt) >= since) high = middle;
    else low = change.revision + 1;
  }
  return low;
}

function timedChangeOf({ from, to, occurredAt, detectedAt, previousDurationMs }: ChangeData) {
  return { from, to, occurredAt: Date.parse(occurredAt), detectedAt: Date.parse(detectedAt), previousDurationMs };
}

function tooMany() {
  const message = `the sensor has changed more than ${UPTIME_CHANGES_MAX} times since then: ask for a shorter time`;
  return invalid("The time window holds too much.", [{ pointer: "/since", message }]);
}

function uptimeView(sensorId: string, { since, until }: Window, times: TimeIn): Static<typeof Uptime> {
  const { judgedSince, judgedUntil, judgedMs, onlineMs, offlineMs, severities, statuses, changes, longestOutage: outage } = times;
  const spanOf = (ms: number) => ({ ms, share: judgedMs === 0 ? 0 : ms / judgedMs });
  return {
    sensorId,
    since: timeOf(since),
    until: timeOf(until),
    judgedSince: timeOrNull(judgedSince),
    judgedUntil: timeOrNull(judgedUntil),
    judgedMs,
    uptime: judgedMs === 0 ? null : onlineMs / judgedMs,
    availability: { online: spanOf(onlineMs), offline: spanOf(offlineMs) },
    severities: {
      ok: spanOf(severities.ok),
      warning: spanOf(severities.warning),
      critical: spanOf(severities.critical),
      unknown: spanOf(severities.unknown),
    },
    statuses: statuses.map(([status, ms]) => ({ status, ...spanOf(ms) })),
    changes,
    longestOutage: outage === null ? null : { since: timeOf(outage.since), until: timeOf(outage.until), ms: outage.until - outage.since },
  };
}

const GET = operation({
  id: "getUptime",
  tag: "Sensors",
  summary: "How long a sensor was online, and in which status",
  description:
    "Of the last 24 hours by default; an `until` in the future counts as now. Only the time since the first report of the present " +
    "registration is judged, as far back as its changes are kept. Status and severity count from the moment that the sensor named; an " +
    "outage begins at the missed deadline and ends when the sensor is heard again. A status continues while the sensor is offline. At most " +
    `${UPTIME_DAYS_MAX} days, ${UPTIME_CHANGES_MAX} changes and ${TIMED_STATUSES_MAX} statuses.`,
  scope: "sensors:read",
  answers: { 200: { description: "The times.", schema: Uptime } },
  problems: [404],
});
