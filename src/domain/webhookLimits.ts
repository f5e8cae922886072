/** What a webhook's settings may be, and how they go together. */
import type { FieldError } from "./fault";
import type { WebhookSettings } from "./webhook";

export const RATE_PER_SECOND_MIN = 0.01;
export const RATE_PER_SECOND_MAX = 10_000;
export const MIN_INTERVAL_SECONDS_MAX = 24 * 3600;
export const BATCH_ITEMS_MIN = 2;
export const BATCH_ITEMS_MAX = 1000;
export const BATCH_WAIT_MS_MAX = 60_000;
export const RETRY_STEPS_MAX = 20;
export const RETRY_STEP_SECONDS_MAX = 24 * 3600;
/** A delivery ends three days after it was planned: a longer schedule would never be seen. */
export const RETRY_SECONDS_MAX = 3 * 24 * 3600;
export const TIMEOUT_SECONDS_MAX = 30;

/** What stands between two settings. `fields`: one of them must give way. */
interface Clash {
  readonly fields: readonly (keyof WebhookSettings)[];
  readonly message: string;
  readonly clashes: (settings: WebhookSettings) => boolean;
}

const CLASHES: readonly Clash[] = [
  {
    fields: ["minIntervalSeconds", "mode"],
    message: "minIntervalSeconds above 0 needs mode latest: what comes meanwhile is coalesced",
    clashes: ({ minIntervalSeconds, mode }) => minIntervalSeconds > 0 && mode !== "latest",
  },
  {
    fields: ["ordering", "mode", "minIntervalSeconds"],
    message: "mode latest needs ordering sensor: the latest is the latest of a sensor",
    clashes: ({ mode, ordering }) => mode === "latest" && ordering === "none",
  },
  {
    fields: ["batch", "mode", "minIntervalSeconds"],
    message: "mode latest sends changes one by one: batch must be null",
    clashes: ({ mode, batch }) => mode === "latest" && batch !== null,
  },
  {
    fields: ["batch", "format"],
    message: "CloudEvents know no binary batch: choose cloudevents, or no batch",
    clashes: ({ batch, format }) => batch !== null && format === "cloudevents-binary",
  },
  {
    fields: ["retrySchedule"],
    message: `must come to ${RETRY_SECONDS_MAX} seconds at most, three days`,
    clashes: ({ retrySchedule }) => retrySchedule !== null && retrySchedule.reduce((sum, step) => sum + step, 0) > RETRY_SECONDS_MAX,
  },
];

/** What of these settings does not go together. Blames a field that is among `given`, so that who reads it finds what he wrote. */
export function settingsErrors(settings: WebhookSettings, given: ReadonlySet<string>): FieldError[] {
  return CLASHES.filter(({ clashes }) => clashes(settings)).map(({ fields, message }) => {
    const field = fields.find((each) => given.has(each)) ?? (fields[0] as string);
    return { pointer: `/${field}`, message };
  });
}
