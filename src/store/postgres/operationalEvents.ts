import type { ClientBase } from "pg";
import { EVENTS_LANE, eventDeliveryId } from "../../domain/delivery";
import {
  type Asking,
  deliveryFailed,
  type FailedDelivery,
  failingTold,
  type FailingWebhook,
  isAskedBy,
  isToldOf,
  lastFailures,
  type OperationalFact,
  webhookFailing,
} from "../operationalFacts";
import type { DueDelivery, OperationalEvent, Settlement } from "../store";
import { arrayText, quoted } from "./arrays";
import { DUE_DELIVERY } from "./lanes";
import { statement } from "./statement";
import { shareWebhooks } from "./webhookVersions";

const one = statement<OperationalEvent>(
  "events.one",
  `select number, kind, webhook_id as "webhookId", recorded_at as "recordedAt", data from operational_events where number = $1`,
);

const asking = statement<Asking & { active: boolean }>(
  "events.asking",
  `select id, settings -> 'events' as events, state = 'active' as active from webhooks
   where settings #>> '{events}' <> '["change"]' and state <> 'disabled' order by id`,
);

const record = statement<{ number: number; fact: string }>(
  "events.record",
  `insert into operational_events (fact, kind, webhook_id, data, recorded_at)
   select u.fact, u.kind, u.webhook_id, u.data, $5::bigint
   from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality u (fact, kind, webhook_id, data, place) order by u.place
   on conflict (fact) do nothing returning number, fact`,
);

/** The first of each lane leads it, if the lane is empty. */
const owe = statement<DueDelivery>(
  "events.owe",
  `insert into deliveries as d (id, webhook_id, partition, number, sensor_id, revision, state, planned_at, owed_since, next_attempt_at)
   select l.id, l.webhook_id, $1, l.number, '${EVENTS_LANE}', 0, 'pending', $5, $5,
     case when l.turn = 1 and o.occupied is null then $6::bigint end
   from (
     select u.*, row_number() over (partition by u.webhook_id order by u.number) as turn
     from unnest($2::text[], $3::text[], $4::bigint[]) u (id, webhook_id, number)) l
   left join lateral (
     select true as occupied from deliveries o
     where o.webhook_id = l.webhook_id and o.partition = $1 and o.sensor_id = '${EVENTS_LANE}' and o.state = 'pending' limit 1) o on true
   order by l.number, l.webhook_id
   on conflict (id) do nothing
   returning ${DUE_DELIVERY}`,
);

const failing = statement<FailingWebhook>(
  "events.failing",
  `select id, url, failing_since as "failingSince", last_success_at as "lastSuccessAt" from webhooks
   where id = any($1::text[]) and failing_since <= $2 and told_failing_since is distinct from failing_since order by id`,
);

const markTold = statement(
  "events.markTold",
  `update webhooks w set told_failing_since = u.since from unnest($1::text[], $2::bigint[]) u (id, since) where w.id = u.id`,
);

const ended = statement<FailedDelivery>(
  "events.ended",
  `select d.id, d.webhook_id as "webhookId", d.partition, d.number, d.sensor_id as "sensorId", d.revision, d.reason,
     d.ended_at as "endedAt", coalesce(l.number, 0) as attempts, l.error as "lastError", l.status_code as "lastStatusCode"
   from unnest($1::bigint[]) with ordinality u (ordinal, place)
   join deliveries d on d.ordinal = u.ordinal and d.sensor_id <> '${EVENTS_LANE}'
   left join lateral (
     select a.number, a.error, a.status_code from attempts a where a.delivery_id = d.id order by a.number desc limit 1) l on true
   order by u.place`,
);

export async function readOperationalEvent(on: Parameters<typeof one>[0], number: number): Promise<OperationalEvent | null> {
  return (await one(on, number))[0] ?? null;
}

/** Where and when something is told of. Who tells it has locked the partition's lanes. */
export interface Telling {
  readonly partition: number;
  readonly now: number;
  /** By the clock of whoever sends. */
  readonly dueAt: number;
}

/**
 * Records each fact once, if anybody asks for it, and owes it to those who do; gives the deliveries that lead their lanes and may be
 * sent. After the partition's lanes it locks the webhooks, against edits: one that is disabled from now on is owed nothing more.
 */
export async function recordEvents(
  client: ClientBase,
  { partition, now, dueAt }: Telling,
  facts: readonly OperationalFact[],
): Promise<DueDelivery[]> {
  if (facts.length === 0 || (await asking(client)).length === 0) return [];
  await shareWebhooks(client);
  // In a statement of its own, which sees what was committed while this one waited.
  const audience = await asking(client);
  const wanted = facts.filter((fact) => audience.some((each) => isAskedBy(fact, each)));
  if (wanted.length === 0) return [];
  const columns = [
    wanted.map(({ fact }) => quoted(fact)),
    wanted.map(({ kind }) => quoted(kind)),
    wanted.map(({ webhookId }) => quoted(webhookId)),
    wanted.map(({ data }) => quoted(data)),
  ];
  const recorded = new Map((await record(client, ...columns.map(arrayText), now)).map(({ fact, number }) => [fact, number]));
  const owed = wanted.flatMap((fact) => {
    const number = recorded.get(fact.fact);
    if (number === undefined) return [];
    return audience.filter((each) => isAskedBy(fact, each)).map(({ id }) => ({ webhookId: id, number }));
  });
  if (owed.length === 0) return [];
  const heads = await owe(
    client,
    partition,
    arrayText(owed.map(({ webhookId, number }) => quoted(eventDeliveryId(webhookId, number)))),
    arrayText(owed.map(({ webhookId }) => quoted(webhookId))),
    arrayText(owed.map(({ number }) => number)),
    now,
    dueAt,
  );
  const active = new Set(audience.filter((each) => each.active).map(({ id }) => id));
  return heads.filter(({ webhookId, nextAttemptAt }) => nextAttemptAt !== null && active.has(webhookId));
}

/**
 * Tells what settlements say to operators, `failed` being the ordinals of what they ended as failed; gives the deliveries that lead
 * their lanes for it. Comes before rows of webhooks are locked; `told`, which writes into those that failed, after.
 */
export async function tellOfSettled(
  client: ClientBase,
  telling: Telling,
  { failed, settlements }: { failed: readonly number[]; settlements: readonly Settlement[] },
): Promise<{ heads: readonly DueDelivery[]; told: () => Promise<void> }> {
  const failures = lastFailures(settlements);
  const down = failures.size === 0 ? [] : await failing(client, [...failures.keys()], failingTold(telling.dueAt));
  if ((down.length === 0 && failed.length === 0) || (await asking(client)).length === 0) return { heads: [], told: async () => undefined };
  const gone = failed.length === 0 ? [] : (await ended(client, arrayText(failed))).filter(({ reason }) => isToldOf(reason));
  const facts = [...down.map((webhook) => webhookFailing(webhook, failures.get(webhook.id))), ...gone.map(deliveryFailed)];
  return {
    heads: await recordEvents(client, telling, facts),
    async told() {
      if (down.length === 0) return;
      await markTold(client, arrayText(down.map(({ id }) => quoted(id))), arrayText(down.map(({ failingSince }) => failingSince)));
    },
  };
}
