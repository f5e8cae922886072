/** How a webhook wants to be sent to, as flat fields of its creation, its patch and its view. */
import { type Static, Type } from "@sinclair/typebox";
import { EVENT_KINDS, FORMATS, MODES, ORDERINGS, SETTINGS_DEFAULT, type WebhookSettings } from "../../domain/webhook";
import {
  BATCH_ITEMS_MAX,
  BATCH_ITEMS_MIN,
  BATCH_WAIT_MS_MAX,
  MIN_INTERVAL_SECONDS_MAX,
  RATE_PER_SECOND_MAX,
  RATE_PER_SECOND_MIN,
  RETRY_STEP_SECONDS_MAX,
  RETRY_STEPS_MAX,
  settingsErrors,
  TIMEOUT_SECONDS_MAX,
} from "../../domain/webhookLimits";
import { nullable, oneOf } from "../fields";
import { invalid } from "../problems";

const Batch = Type.Object(
  {
    maxItems: Type.Integer({ minimum: BATCH_ITEMS_MIN, maximum: BATCH_ITEMS_MAX }),
    maxWaitMs: Type.Integer({ minimum: 0, maximum: BATCH_WAIT_MS_MAX, description: "How long the first delivery may wait for others." }),
  },
  {
    $id: "Batch",
    additionalProperties: false,
    description: "Several deliveries in one request.",
    examples: [{ maxItems: 100, maxWaitMs: 500 }],
  },
);

const RatePerSecond = nullable(Type.Number({ minimum: RATE_PER_SECOND_MIN, maximum: RATE_PER_SECOND_MAX }), {
  description: "The most attempts a second; null for no limit.",
});
const Ordering = oneOf(ORDERINGS, {
  description: "`sensor`: a sensor's changes are sent one after the other. `none`: in any order, each at once.",
});
const Mode = oneOf(MODES, {
  description: "`latest`: of a sensor's waiting changes only the newest is sent; the others end as `coalesced`.",
});
const MinIntervalSeconds = Type.Integer({
  minimum: 0,
  maximum: MIN_INTERVAL_SECONDS_MAX,
  description: "The least time between two deliveries of one sensor; above 0 it needs `mode` `latest`, and sets it where none is given.",
});
const Format = oneOf(FORMATS, { description: "The body's shape: ours, or CloudEvents 1.0, structured or binary." });
const RetrySchedule = nullable(
  Type.Array(Type.Integer({ minimum: 1, maximum: RETRY_STEP_SECONDS_MAX }), { minItems: 1, maxItems: RETRY_STEPS_MAX }),
  {
    description:
      "Seconds to wait after the first failure, after the second, and so on, three days in total at most; null for the default schedule.",
  },
);
const TimeoutSeconds = Type.Integer({
  minimum: 1,
  maximum: TIMEOUT_SECONDS_MAX,
  description: "Time for an attempt, from connecting to the end of the answer.",
});
const Events = Type.Array(oneOf(EVENT_KINDS), {
  minItems: 1,
  uniqueItems: true,
  description: "What is sent: changes, and events about webhooks and deliveries themselves.",
});

/** In a creation and a patch: each may be left out, or null for the default. */
export const givenSettings = {
  ratePerSecond: Type.Optional(RatePerSecond),
  ordering: Type.Optional(nullable(Ordering)),
  mode: Type.Optional(nullable(Mode)),
  minIntervalSeconds: Type.Optional(nullable(MinIntervalSeconds)),
  batch: Type.Optional(nullable(Batch)),
  format: Type.Optional(nullable(Format)),
  retrySchedule: Type.Optional(RetrySchedule),
  timeoutSeconds: Type.Optional(nullable(TimeoutSeconds)),
  events: Type.Optional(nullable(Events)),
};

export const shownSettings = {
  ratePerSecond: RatePerSecond,
  ordering: Ordering,
  mode: Mode,
  minIntervalSeconds: MinIntervalSeconds,
  batch: nullable(Batch),
  format: Format,
  retrySchedule: RetrySchedule,
  timeoutSeconds: TimeoutSeconds,
  events: Events,
};

const Given = Type.Object(givenSettings);
type Given = Static<typeof Given>;
const Shown = Type.Object(shownSettings);

const NAMES = Object.keys(SETTINGS_DEFAULT) as (keyof WebhookSettings)[];

/** Undefined when none of them is given. Throws a 422 for what does not go together. */
export function settingsOf(given: Given, before: WebhookSettings): WebhookSettings | undefined {
  const names = NAMES.filter((name) => given[name] !== undefined);
  if (names.length === 0) return undefined;
  const set = Object.fromEntries(names.map((name) => [name, given[name] ?? SETTINGS_DEFAULT[name]]));
  const implied = given.mode === undefined && (given.minIntervalSeconds ?? 0) > 0 ? { mode: "latest" as const } : {};
  const settings = { ...before, ...set, ...implied };
  const errors = settingsErrors(settings, new Set(names));
  if (errors.length > 0) throw invalid("These settings cannot be combined.", errors);
  return settings;
}

export function settingsView(settings: WebhookSettings): Static<typeof Shown> {
  const { retrySchedule, events } = settings;
  return { ...settings, retrySchedule: retrySchedule === null ? null : [...retrySchedule], events: [...events] };
}
