import { and, asc, desc, eq, lt, sql } from "drizzle-orm";
import type { ClientBase } from "pg";
import { EVENTS_LANE } from "../../domain/delivery";
import { type Terms, termsOf, type WebhookSettings, type WebhookState } from "../../domain/webhook";
import { decodeCursor, toPage } from "../cursor";
import type { Planned } from "../plannedSearch";
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
import type { Replay, ReplayDraft, ReplayStore } from "../store";
import { NOW_MS } from "./clock";
import type { Connection, Session } from "./connection";
import { IS_KEPT, newestOrdinal, ordinalsOf } from "./deliverySearch";
import { lockLanesOf, promoteEmptyLanes } from "./lanes";
import { replays } from "./schema/webhooks";
import { statement } from "./statement";

const LIST = "replays";
/** In these words, by which the index of those that run is known. */
const IS_RUNNING = sql`state = 'running'`;

interface Looked extends Planned {
  readonly partition: number;
  readonly sensorId: string;
}

/** In the order of planning; the first of all states are among the first of each. */
const look = statement<Looked>(
  "replays.look",
  `select d.ordinal, d.planned_at as "plannedAt", d.partition, d.sensor_id as "sensorId"
   from unnest($2::text[]) s (state) cross join lateral (
     select e.ordinal, e.planned_at, e.partition, e.sensor_id from deliveries e
     where e.webhook_id = $1 and (e.state, e.ordinal) > (s.state, $3::bigint) and (e.state, e.ordinal) <= (s.state, $4::bigint)
     order by e.state, e.ordinal limit $5) d
   order by d.ordinal limit $5`,
);

/** Its days begin after it was planned: it may have been tried. The rows in one order, as whoever prunes takes them; what was pruned, or is pending by now, stays as it is. */
const makePending = statement<{ partition: number; sensorId: string }>(
  "replays.makePending",
  `with chosen as materialized (
     select d.ordinal from deliveries d
     where d.ordinal = any($1::bigint[]) and d.state = any($2::text[]) and d.planned_at >= $3 and d.planned_at < $4
       and case d.sensor_id when '${EVENTS_LANE}' then exists (select from operational_events o where o.number = d.number)
         else exists (select from changes c where c.partition = d.partition and c.number = d.number) end
       and ${IS_KEPT}
     order by d.ordinal for update of d)
   update deliveries d set state = 'pending', reason = null, ended_at = null, owed_since = greatest($5::bigint, d.planned_at + 1), lane_failures = 0, rejections = 0,
     next_attempt_at = case when $6::boolean and d.sensor_id <> '${EVENTS_LANE}' then $7::bigint end
   from chosen where d.ordinal = chosen.ordinal
   returning d.partition, d.sensor_id as "sensorId"`,
);

/** Of each sensor of a webhook that rests after a success. */
const lastSuccesses = statement<{ sensorId: string; endedAt: number }>(
  "replays.lastSuccesses",
  `select u.sensor_id as "sensorId", l.ended_at as "endedAt" from unnest($2::text[]) u (sensor_id) cross join lateral (
     select s.ended_at from deliveries s
     where s.webhook_id = $1 and s.sensor_id = u.sensor_id and s.min_interval_ms > 0 and s.state = 'delivered'
     order by s.ended_at desc limit 1) l`,
);

const webhookOf = statement<{ state: WebhookState; settings: WebhookSettings }>(
  "replays.webhook",
  "select state, settings from webhooks where id = $1 for share",
);

const readNow = statement<{ now: number }>("replays.now", `select ${NOW_MS} as now`);

export function openReplays(connection: Connection): ReplayStore {
  const { db, write } = connection;

  return {
    createReplay: (draft) => write((session) => createReplay(session, draft)),

    async getReplay(id) {
      const [row] = await db.select().from(replays).where(eq(replays.id, id));
      return row === undefined ? null : replayOf(row);
    },

    async listReplays({ webhookId }, { limit, cursor }) {
      const before = decodeCursor<[string]>(cursor, LIST, ["string"])?.[0];
      const ofWebhook = webhookId === undefined ? undefined : eq(replays.webhookId, webhookId);
      const rows = await db
        .select()
        .from(replays)
        .where(and(ofWebhook, before === undefined ? undefined : lt(replays.id, before)))
        .orderBy(desc(replays.id))
        .limit(limit + 1);
      return toPage(rows, { limit, list: LIST, key: (row) => [row.id], item: replayOf });
    },

    cancelReplay: (id) =>
      write(async (session) => {
        const row = await lockReplay(session, id);
        if (row === null) throw noReplay(id);
        return row.state === "running" ? save(session, cancelled(row, "by an operator", await clock(session.client))) : replayOf(row);
      }),

    async runningReplays() {
      return (await db.select().from(replays).where(IS_RUNNING).orderBy(asc(replays.webhookId))).map(replayOf);
    },

    advanceReplay: (id, limit) => write((session) => advance(session, id, limit)),
  };
}

async function createReplay(session: Session, draft: ReplayDraft): Promise<Replay> {
  const { client, db } = session;
  const [webhook] = await webhookOf(client, draft.webhookId);
  demandReplayable(draft.webhookId, webhook?.state ?? null);
  const newest = await newestOrdinal(client);
  const { after, before } = await ordinalsOf(client, draft.range);
  const bounds = { afterOrdinal: after, lastOrdinal: Math.min(newest, before - 1) };
  const row = newReplay(draft, bounds, await clock(client));
  const [made] = await db.insert(replays).values(row).onConflictDoNothing().returning();
  if (made === undefined) throw replayRuns(draft.webhookId);
  return replayOf(made);
}

/**
 * The job's row, the partitions' rows, the webhook's row: whoever takes several of them takes them in this order. What is looked at
 * before the lanes are locked says only where to lock.
 */
async function advance(session: Session, id: string, limit: number): Promise<Replay | null> {
  const { client } = session;
  const row = await lockReplay(session, id);
  if (row === null || row.state !== "running") return row === null ? null : replayOf(row);
  const { webhookId, which, afterOrdinal, lastOrdinal, since, until } = row;
  const states = statesOf(which);
  const looked = await look(client, webhookId, states, afterOrdinal, lastOrdinal, limit);
  await lockLanesOf(
    client,
    looked.map(({ partition }) => partition),
  );
  const [webhook] = await webhookOf(client, webhookId);
  const now = await clock(client);
  const hindrance = reasonToCancel(webhook?.state ?? null);
  if (webhook === undefined || hindrance !== null) return save(session, cancelled(row, hindrance, now));
  const dueAt = Math.min(now, Date.now());
  const terms = termsOf(webhook.settings);
  const restsUntil = await restsOf(client, terms, { webhookId, looked });
  const isFree = terms.begins !== "lane";
  const ordinals = looked.map(({ ordinal }) => ordinal);
  const made = await makePending(client, ordinals, states, since, until, now, isFree, dueAt);
  for (const [partition, lanes] of Map.groupBy(made, (each) => each.partition)) {
    const sensorIds = new Set(lanes.map(({ sensorId }) => sensorId));
    const beginning = (sensorId: string) => Math.max(dueAt, restsUntil.get(sensorId) ?? 0);
    const heads = [...sensorIds].map((sensorId) => ({ webhookId, sensorId, nextAttemptAt: beginning(sensorId), laneFailures: 0 }));
    await promoteEmptyLanes(client, partition, heads);
  }
  return save(session, advanced(row, { looked, limit, replayed: made.length, now }));
}

/** Until when each sensor's lane rests; read before what was delivered is pending again. */
async function restsOf(
  client: ClientBase,
  { minIntervalMs }: Terms,
  { webhookId, looked }: { webhookId: string; looked: readonly Looked[] },
): Promise<Map<string, number>> {
  if (minIntervalMs === 0) return new Map();
  const successes = await lastSuccesses(client, webhookId, [...new Set(looked.map(({ sensorId }) => sensorId))]);
  return new Map(successes.map(({ sensorId, endedAt }) => [sensorId, endedAt + minIntervalMs]));
}

async function lockReplay({ db }: Session, id: string): Promise<ReplayRow | null> {
  const [row] = await db.select().from(replays).where(eq(replays.id, id)).for("update");
  return row ?? null;
}

async function save({ db }: Session, row: ReplayRow): Promise<Replay> {
  const { state, reason, replayed, reachedAt, afterOrdinal, updatedAt } = row;
  await db.update(replays).set({ state, reason, replayed, reachedAt, afterOrdinal, updatedAt }).where(eq(replays.id, row.id));
  return replayOf(row);
}

async function clock(client: ClientBase): Promise<number> {
  return ((await readNow(client)) as [{ now: number }])[0].now;
}
