import type { FieldError } from "../domain/fault";
import type { Webhook } from "../domain/webhook";
import type { AttemptRow, SensorRecord } from "../store/store";

/** A sensor as it is; null when there is none. At once where it is at hand, and the same object for as long as nothing of it moved. */
export type ReadSensor = (id: string) => SensorRecord | null | Promise<SensorRecord | null>;

/** What the API asks of whoever sends webhooks; `service.ts` connects it. */
export interface WebhookPort {
  /** What is wrong with a URL that somebody wants to register, or null. */
  checkUrl(url: string): Promise<FieldError | null>;
  /** Sends one test event, once, as its deliveries would be sent, and tells how that went; never throws for what the endpoint did. */
  sendTest(webhook: Webhook): Promise<AttemptRow>;
}

/** A token bucket: `burst` at once, refilled at `perSecond`. */
export interface BucketRule {
  /** Part of the bucket's key and of its `RateLimit-Policy`. */
  readonly name: string;
  readonly perSecond: number;
  readonly burst: number;
}

export interface Taken {
  readonly allowed: boolean;
  /** Whole ones that are left. */
  readonly remaining: number;
  /** Until the bucket is full again. */
  readonly resetMs: number;
  /** Until what was wanted would be there; 0 when it was. */
  readonly retryAfterMs: number;
}

/** Buckets by key, on this node or across all of them. */
export interface Buckets {
  /** Takes `cost` (0 only looks) out of a bucket, or nothing if there is not enough. Never rejects: without Redis this node alone counts. */
  take(key: string, rule: BucketRule, cost: number): Promise<Taken>;
}
