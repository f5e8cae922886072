import type { AttemptRow, DeliveryStore, DueDelivery, Settlement, SettleOutcome } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";
import { prepareHealth } from "./health";
import { prepareLanes } from "./lanes";
import { prepareOperationalEvents } from "./operationalEvents";
import { prepareFence } from "./partitions";

/** A delivery as the table holds it. */
interface Found {
  readonly ordinal: number;
  readonly pending: 0 | 1;
  /** Whether attempts of it may be there: one that is pending, never failed and was never sent again has none. */
  readonly tried: 0 | 1;
  readonly next_attempt_at: number | null;
  readonly lane_failures: number;
}

/** One transaction under the fence: attempts, outcomes, and the next head of each lane whose head ended. */
export function prepareSettle(connection: Connection): Direct<DeliveryStore>["settle"] {
  const held = prepareFence(connection);
  const lanes = prepareLanes(connection);
  const addAttempt = prepareAttempts(connection);
  const writeHealth = prepareHealth(connection);
  const writeVerdict = prepareVerdicts(connection);
  const events = prepareOperationalEvents(connection);
  const find = connection.client.prepare<[string], Found>(
    `select ordinal, state = 'pending' as pending, state <> 'pending' or lane_failures > 0 or owed_since <> planned_at as tried,
       next_attempt_at, lane_failures
     from deliveries where id = ?`,
  );
  const extend = connection.client.prepare<[number, number]>(
    "update partitions set lease_until = ? where role = 'notify' and partition = ?",
  );

  return (lease, leaseTtlMs, settlements): SettleOutcome =>
    connection.write(() => {
      if (held(lease) === null) return { held: false, heads: [] };
      const now = Date.now();
      extend.run(now + leaseTtlMs, lease.partition);
      const heads: DueDelivery[] = [];
      const fresh: Settlement[] = [];
      const failed: string[] = [];
      for (const settlement of settlements) {
        const { delivery, attempt } = settlement;
        const found = find.get(delivery.id);
        // Of one that was erased meanwhile no attempt is kept.
        if (attempt !== null && found !== undefined && !addAttempt(delivery.id, attempt, { tried: found.tried !== 0 })) continue;
        fresh.push(settlement);
        if (found?.pending !== 1) continue;
        const next = writeVerdict(settlement, found, now);
        if (settlement.verdict.kind === "failed") failed.push(delivery.id);
        const head = next === null ? null : lanes.promote(delivery, next);
        if (head !== null && head.nextAttemptAt <= now) heads.push(head);
      }
      heads.push(...events.tellOfSettled({ partition: lease.partition, now }, { settlements: fresh, failed }));
      writeHealth(fresh);
      return { held: true, heads: lanes.sendable(heads) };
    });
}

/** How the next of the lane begins. */
interface Succession {
  readonly nextAttemptAt: number;
  readonly laneFailures: number;
}

/** Writes what became of a delivery that is still pending; gives how the next of its lane begins, null when the lane does not move. */
function prepareVerdicts({ client }: Connection): (settlement: Settlement, before: Found, now: number) => Succession | null {
  const end = client.prepare<[string, string | null, number, number]>(
    "update deliveries set state = ?, reason = ?, next_attempt_at = null, ended_at = ? where ordinal = ?",
  );
  const retry = client.prepare<[number | null, number, number, number]>(
    `update deliveries set next_attempt_at = ?, lane_failures = max(1, lane_failures + ?), rejections = rejections + ? where ordinal = ?`,
  );

  return ({ attempt, verdict }, { ordinal, next_attempt_at: dueAt, lane_failures: failures }, now) => {
    switch (verdict.kind) {
      case "delivered":
        end.run("delivered", null, now, ordinal);
        return { nextAttemptAt: verdict.nextAttemptAt ?? now, laneFailures: 0 };
      case "retry":
        retry.run(verdict.nextAttemptAt ?? dueAt, verdict.inPieces === true ? 0 : 1, verdict.rejected ? 1 : 0, ordinal);
        return null;
      case "failed": {
        end.run("failed", verdict.reason, now, ordinal);
        const nextAttemptAt = verdict.nextAttemptAt ?? Math.max(now, dueAt ?? now);
        const laneFailures = verdict.reason === "rejected" ? 0 : failures + (attempt === null ? 0 : 1);
        return { nextAttemptAt, laneFailures };
      }
    }
  };
}

/** Writes an attempt down; false when it is in already. `tried`: there may be others of its delivery. */
type AddAttempt = (deliveryId: string, attempt: AttemptRow, before: { readonly tried: boolean }) => boolean;

function prepareAttempts({ client }: Connection): AddAttempt {
  const known = client.prepare<[string, number, number]>("select 1 from attempts where delivery_id = ? and at = ? and duration_ms = ?");
  const last = client.prepare<[string], number | null>("select max(number) from attempts where delivery_id = ?").pluck();
  const insert = client.prepare<unknown[]>(
    `insert into attempts (delivery_id, number, at, duration_ms, status_code, error, response) values (?, ?, ?, ?, ?, ?, ?)
     on conflict (delivery_id, number) do nothing`,
  );
  return (deliveryId, { at, durationMs, statusCode, error, response }, { tried }) => {
    const write = (number: number) => insert.run(deliveryId, number, at, durationMs, statusCode, error, response).changes === 1;
    if (!tried && write(1)) return true;
    if (known.get(deliveryId, at, durationMs) !== undefined) return false;
    return write((last.get(deliveryId) ?? 0) + 1);
  };
}
