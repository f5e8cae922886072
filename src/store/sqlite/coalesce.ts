import { nextTurn } from "../../nextTurn";
import { EVENTS_LANE } from "../../domain/delivery";
import type { DeliveryStore, DueDelivery, Lease } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";
import { DUE_DELIVERY, prepareLanes } from "./lanes";
import { prepareFence } from "./partitions";

/** So many end in one transaction, so that nobody else waits while a long lane is cut down. */
const COALESCED_AT_ONCE_MAX = 2000;

type Query = Parameters<DeliveryStore["coalesceDue"]>[1];

/** Each slice in a transaction of its own, under the fence. */
export function prepareCoalesceDue(connection: Connection): Direct<DeliveryStore>["coalesceDue"] {
  const coalesceSlice = prepareSlice(connection);
  return async (lease, query) => {
    for (let coalesced = 0; ; await nextTurn()) {
      const slice = connection.write(() => coalesceSlice(lease, query));
      coalesced += slice.ended;
      if (slice.heads !== null) return { heads: slice.heads, coalesced };
    }
  };
}

/** `heads` null: there is more to be cut. */
function prepareSlice(connection: Connection): (lease: Lease, query: Query) => { heads: DueDelivery[] | null; ended: number } {
  const { client } = connection;
  const held = prepareFence(connection);
  const all = prepareLanes(connection);
  const lanes = prepareCuts(connection);
  // One lane has several that are due where its order is none, or where one was sent again by hand.
  const look = client.prepare<[number, string, number, string, number], DueDelivery>(
    `select ${DUE_DELIVERY} from deliveries
     where partition = ? and webhook_id = ? and next_attempt_at <= ?
       and sensor_id not in (select e.sensor_id from json_each(?) u cross join deliveries e on e.id = u.value)
     order by next_attempt_at limit ?`,
  );

  return (lease, { webhookId, now, limit, except }) => {
    if (held(lease) === null || !all.isOpen(webhookId)) return { heads: [], ended: 0 };
    for (let ended = 0; ;) {
      const due = look.all(lease.partition, webhookId, now, JSON.stringify(except), limit);
      const long = lanesOf(due).filter((head) => lanes.isLong(head));
      if (long.length === 0) return { heads: due, ended };
      if (ended >= COALESCED_AT_ONCE_MAX) return { heads: null, ended };
      for (const head of long) ended += lanes.cut(head, COALESCED_AT_ONCE_MAX - ended);
    }
  };
}

interface Cuts {
  /** Whether a lane holds more than one that is pending. */
  isLong(head: DueDelivery): boolean;
  /** Ends the oldest but for the newest, at most so many; what is left is due when the head was. Gives how many ended. */
  cut(head: DueDelivery, limit: number): number;
}

function prepareCuts({ client }: Connection): Cuts {
  const second = client.prepare<[string, string]>(
    "select 1 from deliveries where state = 'pending' and webhook_id = ? and sensor_id = ? order by number limit 1 offset 1",
  );
  const end = client.prepare<[number, string, string, string, string, number]>(
    `update deliveries set state = 'coalesced', reason = 'superseded', next_attempt_at = null, ended_at = ? where ordinal in (
       select ordinal from deliveries
       where state = 'pending' and webhook_id = ? and sensor_id = ? and number < (
         select max(number) from deliveries where state = 'pending' and webhook_id = ? and sensor_id = ?)
       order by number limit ?)`,
  );
  const lead = client.prepare<[number, number, string, string, number]>(
    `update deliveries set next_attempt_at = ?, lane_failures = max(lane_failures, ?)
     where ordinal = (
       select ordinal from deliveries where state = 'pending' and webhook_id = ? and sensor_id = ? order by number limit 1)
       and (next_attempt_at is null or next_attempt_at > ?)`,
  );
  return {
    isLong: ({ webhookId, sensorId }) => second.get(webhookId, sensorId) !== undefined,
    cut({ webhookId, sensorId, nextAttemptAt, laneFailures }, limit) {
      const { changes } = end.run(Date.now(), webhookId, sensorId, webhookId, sensorId, limit);
      lead.run(nextAttemptAt, laneFailures, webhookId, sensorId, nextAttemptAt);
      return changes;
    },
  };
}

/** One for each lane but that of the events, none of which supersedes another: due when the first of it is, with the most failures that any of it counts. */
function lanesOf(due: readonly DueDelivery[]): DueDelivery[] {
  const lanes = new Map<string, DueDelivery>();
  for (const head of due) {
    if (head.sensorId === EVENTS_LANE) continue;
    const first = lanes.get(head.sensorId) ?? head;
    lanes.set(head.sensorId, { ...first, laneFailures: Math.max(first.laneFailures, head.laneFailures) });
  }
  return [...lanes.values()];
}
