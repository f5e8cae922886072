import type { ChangeKind } from "./change";
import type { Severity } from "./severity";

/** For each label: its value, or any of several, or null where the sensor must not have it. */
export type LabelSelectors = Readonly<Record<string, string | readonly string[] | null>>;

export const DIRECTIONS = ["raised", "lowered"] as const;
/** Whether a change's severity went up or down; none before the first report counts as `ok`. */
export type Direction = (typeof DIRECTIONS)[number];

/** Every field that is there must hold; a filter without fields lets every change through. */
export interface Filter {
  readonly sensorIds?: readonly string[];
  /** All of them must hold for the sensor's labels, as they were at the change. */
  readonly labels?: LabelSelectors;
  /** What changed: the status (or its severity), or the availability. */
  readonly kinds?: readonly ChangeKind[];
  /** The old status; a sensor's first change has none, and is none of them. */
  readonly from?: readonly string[];
  /** The new status. */
  readonly to?: readonly string[];
  /** Holds when the severity before or after reaches it: who heard of the trouble hears of its end. */
  readonly minSeverity?: Exclude<Severity, "unknown">;
  /** `unknown` before or after passes: nobody can say that it was not so. */
  readonly direction?: Direction;
  /** Whether a sensor's first report is sent even if it is `ok`. */
  readonly initial?: boolean;
}

/** In the order in which they are asked. */
export const FILTER_CLAUSES = [
  "initial",
  "kinds",
  "from",
  "to",
  "minSeverity",
  "direction",
  "sensorIds",
  "labels",
] as const satisfies readonly (keyof Filter)[];

export const WEBHOOK_STATES = ["active", "paused", "disabled"] as const;
/** `paused`: deliveries are planned and held. `disabled`: what is owed failed, what comes is planned as `skipped`. */
export type WebhookState = (typeof WEBHOOK_STATES)[number];

/** A subscriber's registration. Times are epoch milliseconds. */
export interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly filter: Filter;
  readonly state: WebhookState;
  readonly stateReason: string | null;
  readonly description: string;
  /** The most attempts that run at once. */
  readonly concurrency: number;
  readonly settings: WebhookSettings;
  /** Sealed (src/vault.ts): the keys that sign, headers, how it is authenticated with. */
  readonly credentials: string;
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly lastSuccessAt: number | null;
  readonly failingSince: number | null;
  /** The endpoint asked to be left alone until then; null or past otherwise. */
  readonly heldUntil: number | null;
}

export const ORDERINGS = ["sensor", "none"] as const;
export const MODES = ["every", "latest"] as const;
export const FORMATS = ["standard", "cloudevents", "cloudevents-binary"] as const;
/** What may be sent: changes, and what the service itself says of webhooks and deliveries to those who ask. */
export const EVENT_KINDS = ["change", "webhook.disabled", "webhook.failing", "delivery.failed"] as const;
export type EventKind = (typeof EVENT_KINDS)[number];
export type OperationalKind = Exclude<EventKind, "change">;

/** How a webhook wants to be sent to. */
export interface WebhookSettings {
  /** The most attempts a second; null for no limit. */
  readonly ratePerSecond: number | null;
  /** `sensor`: a sensor's changes are sent one after the other. `none`: in any order, each at once. */
  readonly ordering: (typeof ORDERINGS)[number];
  /** `latest`: of a sensor's changes that wait, only the newest is sent; the others end as `coalesced`. */
  readonly mode: (typeof MODES)[number];
  /** The least time between two deliveries of one sensor; what comes meanwhile is coalesced. */
  readonly minIntervalSeconds: number;
  /** Several deliveries in one request, of whatever sensors, in the order in which they were planned. */
  readonly batch: { readonly maxItems: number; readonly maxWaitMs: number } | null;
  readonly format: (typeof FORMATS)[number];
  /** Seconds after the first failure of a lane, the second, and so on; null for the usual ones. */
  readonly retrySchedule: readonly number[] | null;
  /** Time for an attempt, from connecting to the end of the answer. */
  readonly timeoutSeconds: number;
  readonly events: readonly EventKind[];
}

export const SETTINGS_DEFAULT: WebhookSettings = {
  ratePerSecond: null,
  ordering: "sensor",
  mode: "every",
  minIntervalSeconds: 0,
  batch: null,
  format: "standard",
  retrySchedule: null,
  timeoutSeconds: 15,
  events: ["change"],
};

/**
 * A webhook as it stood from some change on: what a change is matched against is decided by its number, not by when it is planned.
 * `after` holds, for each partition, the number of the last change that this version does not apply to (absent: 0).
 */
export interface WebhookVersion {
  readonly webhookId: string;
  readonly version: number;
  readonly filter: Filter;
  readonly state: WebhookState;
  readonly deleted: boolean;
  readonly terms: Terms;
  readonly after: Readonly<Record<string, number>>;
}

/** What planning must know of the settings. */
export interface Terms {
  /** Whether it is owed changes at all. */
  readonly changes: boolean;
  /** How deliveries begin: `lane`, behind what its sensor is owed; `free`, at once; `batch`, in the order of planning. */
  readonly begins: "lane" | "free" | "batch";
  readonly minIntervalMs: number;
}

export function termsOf({ events, ordering, batch, minIntervalSeconds }: WebhookSettings): Terms {
  const begins = batch !== null ? "batch" : ordering === "none" ? "free" : "lane";
  return { changes: events.includes("change"), begins, minIntervalMs: minIntervalSeconds * 1000 };
}

export const CONCURRENCY_DEFAULT = 16;
export const CONCURRENCY_MAX = 100;
export const FILTER_ITEMS_MAX = 1000;
/** Written out: as much as the longest list of the longest ids takes. */
export const FILTER_BYTES_MAX = 128 * 1024;
export const WEBHOOKS_MAX = 10_000;
