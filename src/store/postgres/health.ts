import type { ClientBase } from "pg";
import type { Settlement } from "../store";
import { arrayText, numberOrNull, quoted } from "./arrays";
import { statement } from "./statement";

/** One success after the other is noted so often: all partitions write into the same row, one transaction after the other. */
const SUCCESS_EVERY_MS = 1000;

/**
 * In the order of their ids, and last of all: others, who settle in other partitions, wait for these rows. By id, not by place: what the
 * other one wrote meanwhile stands elsewhere.
 */
const writeHealth = statement(
  "settle.health",
  `with those as materialized (
     select w.id, u.success_at, u.failure_at, u.held_until
     from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) u (id, success_at, failure_at, held_until)
     join webhooks w on w.id = u.id
     where u.failure_at is not null or w.failing_since is not null or w.last_success_at is null
       or w.last_success_at <= u.success_at - ${SUCCESS_EVERY_MS}
     order by w.id for no key update of w)
   update webhooks w set last_success_at = greatest(w.last_success_at, t.success_at),
     failing_since = case when t.success_at is not null then t.failure_at else coalesce(w.failing_since, t.failure_at) end,
     held_until = greatest(w.held_until, t.held_until)
   from those t where w.id = t.id`,
);

/** What a webhook's attempts say of it, in the order in which they ended. */
interface Health {
  successAt: number | null;
  /** The first failure after the last success, or after the beginning. */
  failureAt: number | null;
  /** The longest that the endpoint asked for: what it takes meanwhile was under way when it did. */
  heldUntil: number | null;
}

/** Moves `lastSuccessAt`, `failingSince` and `heldUntil` of the webhooks; one write for each webhook. */
export async function moveHealth(client: ClientBase, settlements: readonly Settlement[]): Promise<void> {
  const healths = new Map<string, Health>();
  for (const settlement of settlements) {
    const { webhookId } = settlement.delivery;
    const before = healths.get(webhookId) ?? { successAt: null, failureAt: null, heldUntil: null };
    if (settlement.attempt !== null) healths.set(webhookId, healthAfter(before, settlement.attempt.at, settlement.verdict));
  }
  if (healths.size === 0) return;
  const told = [...healths.values()];
  const columns = [
    [...healths.keys()].map(quoted),
    told.map(({ successAt }) => numberOrNull(successAt)),
    told.map(({ failureAt }) => numberOrNull(failureAt)),
    told.map(({ heldUntil }) => numberOrNull(heldUntil)),
  ];
  await writeHealth(client, ...columns.map(arrayText));
}

function healthAfter({ successAt, failureAt, heldUntil }: Health, at: number, verdict: Settlement["verdict"]): Health {
  if (verdict.kind === "delivered") return { successAt: Math.max(successAt ?? 0, at), failureAt: null, heldUntil };
  const asked = verdict.kind === "retry" ? (verdict.heldUntil ?? 0) : 0;
  return { successAt, failureAt: failureAt ?? at, heldUntil: Math.max(heldUntil ?? 0, asked) || null };
}
