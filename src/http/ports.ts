import type { FieldError } from "../domain/fault";
import type { ChangeCursor } from "../domain/changeCursor";
import type { Lookout } from "../domain/lookout";
import type { Webhook } from "../domain/webhook";
import type { AttemptRow } from "../store/store";

/** What the API asks of whoever sends webhooks; `service.ts` connects it. */
export interface WebhookPort {
  /** What is wrong with a URL that somebody wants to register, or null. */
  checkUrl(url: string): Promise<FieldError | null>;
  /** Sends one test event, once, as its deliveries would be sent, and tells how that went; never throws for what the endpoint did. */
  sendTest(webhook: Webhook): Promise<AttemptRow>;
}

/** The live stream of changes. */
export interface LivePort {
  /** `from` null begins at the present. Throws `Fault` (unavailable) when there is no room for one more. */
  watch(wish: {
    readonly from: ChangeCursor | null;
    readonly lookout: Lookout;
    /** Those who came with the same are asked after together. */
    readonly credential: string;
    readonly stillLetIn: () => Promise<boolean>;
  }): Promise<ReadableStream<Uint8Array>>;
  /** Takes nobody new, gives everybody a last word and ends their streams. */
  stop(): Promise<void>;
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
