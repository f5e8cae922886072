import { and, asc, desc, eq, lt, sql } from "drizzle-orm";
import { type DeliveryState, EVENTS_LANE } from "../../domain/delivery";
import { termsOf } from "../../domain/webhook";
import { decodeCursor, toPage } from "../cursor";
import type { DeliveryRow } from "../deliveryRows";
import { keptDelivery } from "../erasureStore";
import {
  advanced,
  cancelled,
  demandReplayable,
  newReplay,
  noReplay,
  reasonToCancel,
  replayOf,
  type ReplayRow,
  replayRuns,
  statesOf,
} from "../replayRows";
import type { Replay, ReplayStore } from "../store";
import type { Connection } from "./connection";
import { prepareIsKept } from "./deliveryRecords";
import { preparePlannedTimes } from "./deliverySearch";
import type { Direct } from "./faults";
import { prepareLanes } from "./lanes";
import { replays } from "./schema/webhooks";
import { prepareFindWebhook } from "./webhooks";

const LIST = "replays";
/** In these words, by which the index of those that run is known. */
const IS_RUNNING = sql`state = 'running'`;

type Looked = Pick<DeliveryRow, "ordinal" | "plannedAt" | "partition" | "sensorId" | "number">;

export function openReplays(connection: Connection): Direct<ReplayStore> {
  const { db, write } = connection;
  const times = preparePlannedTimes(connection);
  const findWebhook = prepareFindWebhook(connection);
  const advance = prepareAdvance(connection);

  function find(id: string): ReplayRow | null {
    return db.select().from(replays).where(eq(replays.id, id)).get() ?? null;
  }

  function save(row: ReplayRow): Replay {
    const { state, reason, replayed, reachedAt, afterOrdinal, updatedAt } = row;
    db.update(replays).set({ state, reason, replayed, reachedAt, afterOrdinal, updatedAt }).where(eq(replays.id, row.id)).run();
    return replayOf(row);
  }

  return {
    createReplay: (draft) =>
      write(() => {
        demandReplayable(draft.webhookId, findWebhook(draft.webhookId)?.state ?? null);
        const { after, before } = times.ordinalsOf(draft.range);
        const bounds = { afterOrdinal: after, lastOrdinal: Math.min(times.newest(), before - 1) };
        const made = db
          .insert(replays)
          .values(newReplay(draft, bounds, Date.now()))
          .onConflictDoNothing()
          .returning()
          .get();
        if (made === undefined) throw replayRuns(draft.webhookId);
        return replayOf(made);
      }),

    getReplay(id) {
      const row = find(id);
      return row === null ? null : replayOf(row);
    },

    listReplays({ webhookId }, { limit, cursor }) {
      const before = decodeCursor<[string]>(cursor, LIST, ["string"])?.[0];
      const ofWebhook = webhookId === undefined ? undefined : eq(replays.webhookId, webhookId);
      const rows = db
        .select()
        .from(replays)
        .where(and(ofWebhook, before === undefined ? undefined : lt(replays.id, before)))
        .orderBy(desc(replays.id))
        .limit(limit + 1)
        .all();
      return toPage(rows, { limit, list: LIST, key: (row) => [row.id], item: replayOf });
    },

    cancelReplay: (id) =>
      write(() => {
        const row = find(id);
        if (row === null) throw noReplay(id);
        return row.state === "running" ? save(cancelled(row, "by an operator", Date.now())) : replayOf(row);
      }),

    runningReplays: () => db.select().from(replays).where(IS_RUNNING).orderBy(asc(replays.webhookId)).all().map(replayOf),

    advanceReplay: (id, limit) =>
      write(() => {
        const row = find(id);
        if (row === null) return null;
        return row.state === "running" ? save(advance(row, limit, Date.now())) : replayOf(row);
      }),
  };
}

/** The next step of a job that runs; gives what it is then. */
function prepareAdvance(connection: Connection): (row: ReplayRow, limit: number, now: number) => ReplayRow {
  const { client } = connection;
  const lanes = prepareLanes(connection);
  const findWebhook = prepareFindWebhook(connection);
  const isKept = prepareIsKept(connection);
  const look = client.prepare<[string, DeliveryState, number, number, number], Looked>(
    `select ordinal, planned_at as plannedAt, partition, sensor_id as sensorId, number from deliveries
     where webhook_id = ? and state = ? and ordinal > ? and ordinal <= ? order by ordinal limit ?`,
  );
  const isShown = client.prepare<[number], 1>(`select 1 from deliveries where ordinal = ? and ${keptDelivery("deliveries")}`).pluck();
  const lastSuccess = client
    .prepare<[string, string], number>(
      `select ended_at from deliveries
       where webhook_id = ? and sensor_id = ? and min_interval_ms > 0 and state = 'delivered' order by ended_at desc limit 1`,
    )
    .pluck();
  const makePending = client.prepare<[number, number | null, number]>(
    `update deliveries set state = 'pending', reason = null, ended_at = null, owed_since = max(?, planned_at + 1), lane_failures = 0, rejections = 0,
       next_attempt_at = ? where ordinal = ?`,
  );

  return (row, limit, now) => {
    const { webhookId, which, since, until, afterOrdinal, lastOrdinal } = row;
    const webhook = findWebhook(webhookId);
    const hindrance = reasonToCancel(webhook?.state ?? null);
    if (webhook === null || hindrance !== null) return cancelled(row, hindrance, now);
    // In the order of planning; the first of all states are among the first of each.
    const looked = statesOf(which)
      .flatMap((state) => look.all(webhookId, state, afterOrdinal, lastOrdinal, limit))
      .sort((a, b) => a.ordinal - b.ordinal)
      .slice(0, limit);
    const wanted = looked.filter(
      (each) => each.plannedAt >= since && each.plannedAt < until && isKept(each) && isShown.get(each.ordinal) === 1,
    );
    const { begins, minIntervalMs } = termsOf(webhook.settings);
    const isFree = begins !== "lane";
    const touched = new Map(wanted.map(({ partition, sensorId }) => [`${partition} ${sensorId}`, { webhookId, partition, sensorId }]));
    // Looked for before what was delivered is pending again.
    const beginnings = [...touched.values()].map((lane) => {
      const last = minIntervalMs === 0 ? undefined : lastSuccess.get(webhookId, lane.sensorId);
      return { lane, nextAttemptAt: Math.max(now, (last ?? 0) + minIntervalMs) };
    });
    for (const { ordinal, sensorId } of wanted) makePending.run(now, isFree && sensorId !== EVENTS_LANE ? now : null, ordinal);
    for (const { lane, nextAttemptAt } of beginnings) {
      if (!lanes.isLed(lane)) lanes.promote(lane, { nextAttemptAt, laneFailures: 0 });
    }
    return advanced(row, { looked, limit, replayed: wanted.length, now });
  };
}
