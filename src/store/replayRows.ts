import { DELIVERY_STATES, type DeliveryState } from "../domain/delivery";
import { Fault } from "../domain/fault";
import type { WebhookState } from "../domain/webhook";
import type { Planned } from "./plannedSearch";
import type { Replay, ReplayDraft, TimeRange } from "./store";

/** A row of `replays`. */
export interface ReplayRow extends Omit<Replay, "range">, Required<TimeRange> {
  /** The ordinal of the last delivery that was looked at. */
  readonly afterOrdinal: number;
  /** No delivery beyond it is looked at. */
  readonly lastOrdinal: number;
}

export function replayOf({ since, until, afterOrdinal: _, lastOrdinal: __, ...row }: ReplayRow): Replay {
  return { ...row, range: { since, until } };
}

export function newReplay({ range, ...draft }: ReplayDraft, bounds: { afterOrdinal: number; lastOrdinal: number }, now: number): ReplayRow {
  const progress = { state: "running", reason: null, replayed: 0, reachedAt: range.since } as const;
  return { ...draft, ...range, ...progress, ...bounds, createdAt: now, updatedAt: now };
}

const UNDELIVERED: readonly DeliveryState[] = ["failed", "skipped"];
const ENDED = DELIVERY_STATES.filter((state) => state !== "pending");

/** The states that a job makes pending again. */
export function statesOf(which: Replay["which"]): readonly DeliveryState[] {
  return which === "all" ? ENDED : UNDELIVERED;
}

/** `webhook`: its state, null when there is none. Throws notFound, conflict. */
export function demandReplayable(webhookId: string, webhook: WebhookState | null): void {
  if (webhook === null) throw new Fault("notFound", `There is no webhook ${webhookId}.`);
  if (webhook === "disabled") throw new Fault("conflict", `Webhook ${webhookId} is disabled: enable it first.`);
}

export function replayRuns(webhookId: string): Fault {
  return new Fault("conflict", `Another replay of webhook ${webhookId} is running: wait for its end, or cancel it.`);
}

export function noReplay(id: string): Fault {
  return new Fault("notFound", `There is no replay ${id}.`);
}

/** Why a job cannot go on; null when it can. */
export function reasonToCancel(webhook: WebhookState | null): string | null {
  if (webhook === null) return "webhook deleted";
  return webhook === "disabled" ? "webhook disabled" : null;
}

/** What a step makes of its job. `looked`: the deliveries that it looked at, as many as `limit` unless there are no more. */
export function advanced(
  row: ReplayRow,
  { looked, limit, replayed, now }: { looked: readonly Planned[]; limit: number; replayed: number; now: number },
): ReplayRow {
  const last = looked.at(-1);
  return {
    ...row,
    state: looked.length < limit ? "done" : "running",
    replayed: row.replayed + replayed,
    // What was planned in a range is looked at with a little more beside it.
    reachedAt: Math.min(Math.max(row.reachedAt, last?.plannedAt ?? 0), row.until),
    afterOrdinal: last?.ordinal ?? row.afterOrdinal,
    updatedAt: now,
  };
}

export function cancelled(row: ReplayRow, reason: string | null, now: number): ReplayRow {
  return { ...row, state: "cancelled", reason, updatedAt: now };
}
