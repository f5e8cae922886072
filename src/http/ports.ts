import type { BucketRule, Taken } from "../domain/bucket";
import type { FieldError } from "../domain/fault";
import type { ChangeCursor } from "../domain/changeCursor";
import type { Lookout } from "../domain/lookout";
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

/** The live stream of changes. */
export interface LivePort {
  /** `from` null begins at the present. Throws `Fault` (exhausted, unavailable) when there is no room for one more. */
  watch(wish: {
    readonly from: ChangeCursor | null;
    readonly lookout: Lookout;
    /** Who may have so many streams. */
    readonly caller: string;
    /** Those who came with the same are asked after together. */
    readonly credential: string;
    readonly stillLetIn: () => boolean | Promise<boolean>;
  }): Promise<ReadableStream<Uint8Array>>;
  /** Takes nobody new, gives everybody a last word and ends their streams. */
  stop(): Promise<void>;
}

/** Buckets by rule and key, on this node or across all of them. Whoever is known here is answered at once, without a promise; none of them rejects. */
export interface Buckets {
  /** Takes one out of a bucket, if it is there. */
  take(rule: BucketRule, key: string): Taken | Promise<Taken>;
  /** Whether one could be taken. */
  look(rule: BucketRule, key: string): Taken | Promise<Taken>;
  /** Takes so many, on credit if need be. Gives the milliseconds until it is paid. */
  charge(rule: BucketRule, key: string, cost: number): number | Promise<number>;
}
