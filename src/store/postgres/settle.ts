import type { ClientBase } from "pg";
import type { DeliveryStore, DueDelivery, Lease, Settlement, SettleOutcome } from "../store";
import { type ArrayElement, arrayText, numberOrNull, quoted, quotedOrNull } from "./arrays";
import { NOW_MS } from "./clock";
import type { Connection } from "./connection";
import { isTaken } from "./faults";
import { moveHealth } from "./health";
import { DUE_DELIVERY, IS_OPEN } from "./lanes";
import { tellOfSettled } from "./operationalEvents";
import { statement } from "./statement";

/** The partition's row, for this transaction alone, and its lease extended. */
const begin = statement<{ now: number }>(
  "settle.begin",
  `update partitions set lease_until = ${NOW_MS} + $4::bigint where role = 'notify' and partition = $1 and epoch = $2 and owner = $3
   returning ${NOW_MS} as now`,
);

/** What was settled, in a row for each delivery that now leads its lane, or in one without a delivery. */
interface SettledRow extends Omit<DueDelivery, "id"> {
  readonly open: boolean;
  readonly id: string | null;
  /** The places of settlements that were in already. */
  readonly known: string | null;
  /** The ordinals of deliveries that ended as failed. */
  readonly failed: string | null;
}

/**
 * Settles deliveries, each at most once, and makes the next of each lane in which one ended its head.
 *
 * `f`: a settlement (u) with its delivery (b) and what the table holds of its attempts (k); one that is pending, never failed and was
 * never sent again has none, so none are looked for unless $4 says so. `fate`: what becomes of a delivery that is still pending; null of
 * any other. `l`: how the next of a lane begins; where several of one lane ended, after the last of them. Of a delivery that was erased
 * meanwhile no attempt is kept.
 */
const settle = statement<SettledRow>(
  "settle.all",
  `with f as materialized (
     select u.*, b.ordinal, b.webhook_id, b.sensor_id, b.next_attempt_at as due_at, b.lane_failures, k.number as tried,
       coalesce(k.known, false) as known, case when b.state = 'pending' and k.known is not true then u.verdict end as fate
     from unnest($5::text[], $6::text[], $7::text[], $8::bigint[], $9::int[], $10::bigint[], $11::bigint[], $12::int[], $13::text[],
       $14::text[], $15::int[])
       with ordinality u (id, verdict, reason, next_at, rejected, at, duration_ms, status_code, error, response, counted, place)
     left join lateral (select * from deliveries e where e.id = u.id limit 1) b on true
     left join lateral (
       select max(a.number) as number, bool_or(a.at = u.at and a.duration_ms = u.duration_ms) as known from attempts a
       where a.delivery_id = u.id and (b.state is distinct from 'pending' or b.lane_failures > 0 or b.owed_since <> b.planned_at or $4)
     ) k on true),
   tried as (
     insert into attempts (delivery_id, number, at, duration_ms, status_code, error, response)
     select id, coalesce(tried, 0) + 1, at, duration_ms, status_code, error, response from f
     where at is not null and not known and ordinal is not null),
   settled as (
     update deliveries d set
       state = case f.fate when 'retry' then 'pending' else f.fate end,
       reason = f.reason,
       next_attempt_at = case f.fate when 'retry' then coalesce(f.next_at, f.due_at) end,
       lane_failures = case f.fate when 'retry' then greatest(1, d.lane_failures + coalesce(f.counted, 1)) else d.lane_failures end,
       rejections = d.rejections + coalesce(f.rejected, 0),
       ended_at = case f.fate when 'retry' then null else $2::bigint end
     from f where d.ordinal = f.ordinal and f.fate is not null),
   l as (
     select distinct on (webhook_id, sensor_id) webhook_id, sensor_id,
       coalesce(next_at, case fate when 'delivered' then $3::bigint else greatest($3::bigint, due_at) end) as next_at,
       case when fate = 'delivered' or reason = 'rejected' then 0 else lane_failures + case when at is null then 0 else 1 end end as lane_failures
     from f where fate in ('delivered', 'failed') order by webhook_id, sensor_id, place desc),
   promoted as (
     update deliveries d set next_attempt_at = n.next_at, lane_failures = n.lane_failures
     from (
       select p.ordinal, l.next_at, l.lane_failures, ${IS_OPEN} as open
       from l cross join lateral (
         select p.ordinal, p.next_attempt_at from deliveries p
         where p.webhook_id = l.webhook_id and p.partition = $1 and p.sensor_id = l.sensor_id and p.state = 'pending'
           and p.ordinal not in (select ordinal from f where fate in ('delivered', 'failed'))
         order by p.number limit 1) p
       left join webhooks w on w.id = l.webhook_id
       where p.next_attempt_at is null and p.ordinal not in (select ordinal from f where fate = 'retry')) n
     where d.ordinal = n.ordinal
     returning ${DUE_DELIVERY}, n.open)
   select h.*, k.known, k.failed from (
     select string_agg((place - 1)::text, ',') filter (where known) as known,
       string_agg(ordinal::text, ',' order by place) filter (where fate = 'failed') as failed
     from f) k
   left join promoted h on h.open and h."nextAttemptAt" <= $3`,
);

/** One transaction under the fence: attempts, outcomes, and the next head of each lane whose head ended. */
export function prepareSettle(connection: Connection): DeliveryStore["settle"] {
  return async (lease, leaseTtlMs, settlements) => {
    const transaction = (lookForAttempts: boolean) =>
      connection.commit(({ client }) => settleWithin(client, { lease, leaseTtlMs, settlements, lookForAttempts }));
    try {
      return await transaction(false);
    } catch (error) {
      if (!isTaken(error)) throw error;
      return transaction(true);
    }
  };
}

interface Settling {
  readonly lease: Lease;
  readonly leaseTtlMs: number;
  readonly settlements: readonly Settlement[];
  /** Looks for attempts of every delivery, even where there should be none. */
  readonly lookForAttempts: boolean;
}

async function settleWithin(client: ClientBase, { lease, leaseTtlMs, settlements, lookForAttempts }: Settling): Promise<SettleOutcome> {
  const { partition, epoch, owner } = lease;
  const [held] = await begin(client, partition, epoch, owner, leaseTtlMs);
  if (held === undefined) return { held: false, heads: [] };
  // What the lane waits for is told by the clock of whoever sends; one that is ahead of the others must not keep them waiting.
  const dueAt = Math.min(held.now, Date.now());
  const heads: DueDelivery[] = [];
  const fresh: Settlement[] = [];
  const failed: number[] = [];
  for (const round of roundsOf(settlements)) {
    const rows = await settle(client, partition, held.now, dueAt, lookForAttempts, ...columnsOf(round).map(arrayText));
    const known = new Set(numbersOf(rows[0]?.known));
    failed.push(...numbersOf(rows[0]?.failed));
    fresh.push(...round.filter((_, place) => !known.has(place)));
    for (const { known: _, failed: __, open: ___, id, ...head } of rows) if (id !== null) heads.push({ id, ...head });
  }
  const said = await tellOfSettled(client, { partition, now: held.now, dueAt }, { failed, settlements: fresh });
  await moveHealth(client, fresh);
  await said.told();
  return { held: true, heads: [...heads, ...said.heads].filter(({ nextAttemptAt }) => nextAttemptAt <= dueAt) };
}

function numbersOf(list: string | null | undefined): number[] {
  return list == null ? [] : list.split(",").map(Number);
}

/** In their order, and no delivery twice in a round. */
function roundsOf(settlements: readonly Settlement[]): Settlement[][] {
  const rounds: Settlement[][] = [];
  const taken = new Map<string, number>();
  for (const settlement of settlements) {
    const round = taken.get(settlement.delivery.id) ?? 0;
    taken.set(settlement.delivery.id, round + 1);
    (rounds[round] ??= []).push(settlement);
  }
  return rounds;
}

/** A column of nothing but nulls is left empty: what is shorter than the others is filled up with NULL. */
function columnsOf(settlements: readonly Settlement[]): ArrayElement[][] {
  const attempts = settlements.map(({ attempt }) => attempt);
  const columns = [
    settlements.map(({ delivery }) => quoted(delivery.id)),
    settlements.map(({ verdict }) => verdict.kind),
    settlements.map(({ verdict }) => quotedOrNull(verdict.kind === "failed" ? verdict.reason : null)),
    settlements.map(({ verdict }) => numberOrNull(verdict.nextAttemptAt ?? null)),
    settlements.map(({ verdict }) => (verdict.kind === "retry" && verdict.rejected ? 1 : numberOrNull(null))),
    attempts.map((attempt) => numberOrNull(attempt?.at ?? null)),
    attempts.map((attempt) => numberOrNull(attempt?.durationMs ?? null)),
    attempts.map((attempt) => numberOrNull(attempt?.statusCode ?? null)),
    attempts.map((attempt) => quotedOrNull(attempt?.error ?? null)),
    attempts.map((attempt) => quotedOrNull(attempt?.response ?? null)),
    settlements.map(({ verdict }) => (verdict.kind === "retry" && verdict.inPieces === true ? 0 : numberOrNull(null))),
  ];
  return columns.map((column) => (column.every((element) => element === numberOrNull(null)) ? [] : column));
}
