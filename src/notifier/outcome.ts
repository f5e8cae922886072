import { DELIVERY_EXPIRES_MS, retryWaitMs } from "../domain/delivery";
import type { DueDelivery, Settlement } from "../store/store";
import type { Result } from "./webhook/circuit";

/** What came back from an endpoint. */
export type Reply =
  /** A complete answer. `retryAfter`: the header's text. */
  | { readonly kind: "answered"; readonly statusCode: number; readonly retryAfter: string | null }
  /** None, or not all of it: `error` says why, in words for a person. `statusCode` is there if that much arrived. */
  | { readonly kind: "unanswered"; readonly statusCode: number | null; readonly error: string; readonly timedOut: boolean };

export type Outcome =
  | { readonly kind: "delivered" }
  /** The endpoint wants nothing more, ever. */
  | { readonly kind: "gone" }
  /** `heldUntil`: the endpoint itself asked to be left alone until then. */
  | { readonly kind: "retry"; readonly nextAttemptAt: number; readonly rejected: boolean; readonly heldUntil: number | null }
  /** `nextAttemptAt`: when the next of the lane is tried. */
  | { readonly kind: "failed"; readonly reason: FailureReason; readonly nextAttemptAt: number };

/** Why a delivery ended as `failed`. `unavailable`: the change was pruned before it was asked for again. */
export type FailureReason = "expired" | "rejected" | "deleted" | "disabled" | "unavailable";

/** So many answers that speak of the message end its delivery. */
export const REJECTIONS_MAX = 3;
/** The longest that an endpoint's `Retry-After` holds. */
export const RETRY_AFTER_MAX_MS = 24 * 3600 * 1000;

/** They speak of the message, not of the endpoint: the next message may well be taken. */
const REJECTING: ReadonlySet<number> = new Set([400, 413, 415, 422]);
const HOLDING: ReadonlySet<number> = new Set([429, 503]);

export interface Moment {
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
}

/** Whether the endpoint itself works, as far as a reply shows: what speaks of the message was answered. */
export function resultOf(reply: Reply): Result {
  if (reply.kind === "unanswered") return "failed";
  const { statusCode } = reply;
  return (statusCode >= 200 && statusCode < 300) || isRejection(reply) ? "answered" : "failed";
}

/** Whether a reply speaks of the message, not of the endpoint. */
export function isRejection(reply: Reply): boolean {
  return reply.kind === "answered" && REJECTING.has(reply.statusCode);
}

/** Decides what a reply means for its delivery. */
export function judge(
  reply: Reply,
  delivery: Pick<DueDelivery, "plannedAt" | "laneFailures" | "rejections">,
  { now, random, schedule = null }: Moment & { readonly schedule?: readonly number[] | null },
): Outcome {
  const scheduledAt = now + retryWaitMs(delivery.laneFailures + 1, random, schedule);
  const status = reply.kind === "answered" ? reply.statusCode : null;
  if (status !== null && status >= 200 && status < 300) return { kind: "delivered" };
  if (status === 410) return { kind: "gone" };
  const rejected = isRejection(reply);
  if (rejected && delivery.rejections + 1 >= REJECTIONS_MAX) return { kind: "failed", reason: "rejected", nextAttemptAt: now };
  if (isOver(delivery, now)) return { kind: "failed", reason: "expired", nextAttemptAt: scheduledAt };
  const heldUntil = holdOf(reply, now);
  // At its end it is over, tried or not; until then it is owed, and the endpoint's recovery may still bring the time forward.
  const nextAttemptAt = Math.min(Math.max(scheduledAt, heldUntil ?? 0), endOf(delivery));
  return { kind: "retry", nextAttemptAt, rejected, heldUntil };
}

/** Whether a delivery's days are over. */
export function isOver(delivery: Pick<DueDelivery, "plannedAt">, now: number): boolean {
  return now >= endOf(delivery);
}

/** Its days are over before it was tried, or tried again. */
export function endUntried(delivery: DueDelivery): Settlement {
  return { delivery, attempt: null, verdict: { kind: "failed", reason: "expired" } };
}

function endOf({ plannedAt }: Pick<DueDelivery, "plannedAt">): number {
  return plannedAt + DELIVERY_EXPIRES_MS;
}

function holdOf(reply: Reply, now: number): number | null {
  if (reply.kind !== "answered" || !HOLDING.has(reply.statusCode) || reply.retryAfter === null) return null;
  const wait = retryAfterMs(reply.retryAfter, now);
  return wait === null ? null : now + Math.min(wait, RETRY_AFTER_MAX_MS);
}

/** `Retry-After` in milliseconds from `now`: seconds or an HTTP date (RFC 9110, 10.2.3); null for anything else. */
export function retryAfterMs(text: string, now: number): number | null {
  const trimmed = text.trim();
  if (/^\d{1,15}$/.test(trimmed)) return Number(trimmed) * 1000;
  if (!/^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}.*$/.test(trimmed)) return null;
  // The oldest of the three forms names no zone and means GMT.
  const at = Date.parse(trimmed.endsWith("GMT") ? trimmed : `${trimmed} GMT`);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

/** What is kept of a reply as an attempt's `error`; null for a success. */
export function errorOf(reply: Reply): string | null {
  if (reply.kind === "unanswered") return reply.error;
  const { statusCode } = reply;
  if (statusCode >= 200 && statusCode < 300) return null;
  return statusCode >= 300 && statusCode < 400 ? `answered ${statusCode}: redirects are not followed` : `answered ${statusCode}`;
}
