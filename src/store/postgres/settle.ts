import type { ClientBase } from "pg";
import type { AttemptRow, DeliveryStore, Settlement, SettleOutcome } from "../store";
import { arrayText, numberOrNull, quoted, quotedOrNull } from "./arrays";
import { NOW_MS } from "./clock";
import type { Connection } from "./connection";
import { promoteLanes } from "./lanes";
import { tellOfSettled } from "./operationalEvents";
import { statement } from "./statement";
import { type PendingDelivery, settlePending, type SettledDelivery } from "./verdicts";

/** The partition's row, for this transaction alone, and its lease extended. */
const begin = statement<{ now: number }>(
  "settle.begin",
  `update partitions set lease_until = ${NOW_MS} + $4::bigint where role = 'notify' and partition = $1 and epoch = $2 and owner = $3
   returning ${NOW_MS} as now`,
);

/** A settlement's delivery, without an ordinal where it is not pending, and whether the attempt is written down already. */
type Found = { readonly known: boolean } & (PendingDelivery | { readonly ordinal: null });

const find = statement<Found>(
  "settle.find",
  `select coalesce(k.known, false) as known, d.ordinal, d.id, d.next_attempt_at as "nextAttemptAt", d.lane_failures as "laneFailures",
     d.rejections
   from unnest($1::text[], $2::bigint[], $3::bigint[]) with ordinality u (id, at, duration_ms, place)
   left join lateral (select * from deliveries e where e.id = u.id and e.state = 'pending' limit 1) d on true
   left join lateral (
     select true as known from attempts a where a.delivery_id = u.id and a.at = u.at and a.duration_ms = u.duration_ms limit 1) k on true
   order by u.place`,
);

const writeVerdicts = statement(
  "settle.verdicts",
  `update deliveries d set state = u.state, reason = u.reason, next_attempt_at = u.next_attempt_at, lane_failures = u.lane_failures,
     rejections = u.rejections, ended_at = case u.state when 'pending' then null else $7::bigint end
   from unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::int[], $6::int[])
     u (ordinal, state, reason, next_attempt_at, lane_failures, rejections)
   where d.ordinal = u.ordinal`,
);

const writeAttempts = statement(
  "settle.attempts",
  `insert into attempts (delivery_id, number, at, duration_ms, status_code, error, response)
   select u.delivery_id, b.number + row_number() over (partition by u.delivery_id order by u.place), u.at, u.duration_ms, u.status_code,
     u.error, u.response
   from unnest($1::text[], $2::bigint[], $3::bigint[], $4::int[], $5::text[], $6::text[])
     with ordinality u (delivery_id, at, duration_ms, status_code, error, response, place)
   cross join lateral (select coalesce(max(number), 0) as number from attempts a where a.delivery_id = u.delivery_id) b`,
);

/** One success after the other is noted so often: all partitions write into the same row, one transaction after the other. */
const SUCCESS_EVERY_MS = 1000;

/**
 * In the order of their ids, and last of all: others, who settle in other partitions, wait for these rows. By id, not by place: what the
 * other one wrote meanwhile stands elsewhere.
 */
const writeHealth = statement(
  "settle.health",
  `with those as materialized (
     select w.id, u.success_at, u.failure_at, u.forgiven
     from unnest($1::text[], $2::bigint[], $3::bigint[], $4::boolean[]) u (id, success_at, failure_at, forgiven)
     join webhooks w on w.id = u.id
     where u.failure_at is not null or w.failing_since is not null or w.last_success_at is null
       or w.last_success_at <= u.success_at - ${SUCCESS_EVERY_MS}
     order by w.id for no key update of w)
   update webhooks w set last_success_at = greatest(w.last_success_at, t.success_at),
     failing_since = case when t.forgiven then t.failure_at else coalesce(w.failing_since, t.failure_at) end
   from those t where w.id = t.id`,
);

/** One transaction under the fence: attempts, outcomes, and the next head of each lane whose head ended. */
export function prepareSettle(connection: Connection): DeliveryStore["settle"] {
  return (lease, leaseTtlMs, settlements) =>
    connection.commit(async ({ client }): Promise<SettleOutcome> => {
      const { partition, epoch, owner } = lease;
      const [held] = await begin(client, partition, epoch, owner, leaseTtlMs);
      if (held === undefined) return { held: false, heads: [] };
      // What the lane waits for is told by the clock of whoever sends; one that is ahead of the others must not keep them waiting.
      const dueAt = Math.min(held.now, Date.now());
      const { fresh, pending } = await findFresh(client, settlements);
      const { settled, successions } = settlePending(pending, fresh, dueAt);
      await endOrRetry(client, settled, held.now);
      await addAttempts(client, fresh);
      const heads = await promoteLanes(client, partition, successions);
      const said = await tellOfSettled(client, { partition, now: held.now, dueAt }, { settled, settlements: fresh });
      await moveHealth(client, fresh);
      await said.told();
      return { held: true, heads: [...heads, ...said.heads].filter(({ nextAttemptAt }) => nextAttemptAt <= dueAt) };
    });
}

/** Those that are not in yet, as they are when the answer to a commit was lost, and the deliveries that are still pending. */
async function findFresh(
  client: ClientBase,
  settlements: readonly Settlement[],
): Promise<{ fresh: readonly Settlement[]; pending: readonly PendingDelivery[] }> {
  const columns = [
    settlements.map(({ delivery }) => quoted(delivery.id)),
    settlements.map(({ attempt }) => numberOrNull(attempt?.at ?? null)),
    settlements.map(({ attempt }) => numberOrNull(attempt?.durationMs ?? null)),
  ];
  const found = await find(client, ...columns.map(arrayText));
  return {
    fresh: settlements.filter((_, place) => found[place]?.known === false),
    pending: found.filter((each) => each.ordinal !== null),
  };
}

async function endOrRetry(client: ClientBase, settled: readonly SettledDelivery[], now: number): Promise<void> {
  if (settled.length === 0) return;
  const columns = [
    settled.map(({ ordinal }) => ordinal),
    settled.map(({ state }) => state),
    settled.map(({ reason }) => quotedOrNull(reason)),
    settled.map(({ nextAttemptAt }) => numberOrNull(nextAttemptAt)),
    settled.map(({ laneFailures }) => laneFailures),
    settled.map(({ rejections }) => rejections),
  ];
  await writeVerdicts(client, ...columns.map(arrayText), now);
}

async function addAttempts(client: ClientBase, settlements: readonly Settlement[]): Promise<void> {
  const made = settlements.flatMap(({ delivery, attempt }) => (attempt === null ? [] : { id: delivery.id, ...attempt }));
  if (made.length === 0) return;
  const columns = [
    made.map(({ id }) => quoted(id)),
    made.map(({ at }) => at),
    made.map(({ durationMs }) => durationMs),
    made.map(({ statusCode }) => numberOrNull(statusCode)),
    made.map(({ error }) => quotedOrNull(error)),
    made.map(({ response }) => quotedOrNull(response)),
  ];
  await writeAttempts(client, ...columns.map(arrayText));
}

/** What a webhook's attempts say of it, in the order in which they ended. */
interface Health {
  successAt: number | null;
  /** The first failure after the last success, or after the beginning. */
  failureAt: number | null;
}

/** Moves `lastSuccessAt` and `failingSince` of the webhooks; one write for each webhook. */
async function moveHealth(client: ClientBase, settlements: readonly Settlement[]): Promise<void> {
  const healths = new Map<string, Health>();
  for (const { delivery, attempt, verdict } of settlements) {
    if (attempt !== null)
      healths.set(delivery.webhookId, healthAfter(healths.get(delivery.webhookId), attempt, verdict.kind === "delivered"));
  }
  if (healths.size === 0) return;
  const told = [...healths.values()];
  const columns = [
    [...healths.keys()].map(quoted),
    told.map(({ successAt }) => numberOrNull(successAt)),
    told.map(({ failureAt }) => numberOrNull(failureAt)),
    told.map(({ successAt }) => (successAt === null ? "false" : "true")),
  ];
  await writeHealth(client, ...columns.map(arrayText));
}

function healthAfter(before: Health | undefined, { at }: AttemptRow, succeeded: boolean): Health {
  if (succeeded) return { successAt: Math.max(before?.successAt ?? 0, at), failureAt: null };
  return { successAt: before?.successAt ?? null, failureAt: before?.failureAt ?? at };
}
