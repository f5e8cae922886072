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
  /** Holds for whatever moved. */
  readonly kinds?: readonly ChangeKind[];
  /** The old status; a sensor's first change has none, and is none of them. */
  readonly from?: readonly string[];
  /** The new status. */
  readonly to?: readonly string[];
  /** Holds when the severity before or after reaches it: who heard of the trouble hears of its end. */
  readonly minSeverity?: Exclude<Severity, "unknown">;
  /** `unknown` before or after passes: nobody can say that it was not so. */
  readonly direction?: Direction;
  /** Whether a sensor's first report counts although it is `ok`. */
  readonly initial?: boolean;
}

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
  /** `whsec_` + standard padded base64 of 32 bytes; every one of them signs. */
  readonly secrets: readonly string[];
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly lastSuccessAt: number | null;
  readonly failingSince: number | null;
}

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
  readonly after: Readonly<Record<string, number>>;
}

export const CONCURRENCY_DEFAULT = 16;
export const CONCURRENCY_MAX = 100;
export const FILTER_ITEMS_MAX = 1000;
export const WEBHOOKS_MAX = 10_000;
