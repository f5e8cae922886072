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
import type { Connection } from "./connection";

export interface OperationalEvents {
  /** Records each fact once, if anybody asks for it, and owes it to those who do; gives the deliveries that lead their lanes. */
  record(telling: { partition: number; now: number }, facts: readonly OperationalFact[]): DueDelivery[];
  /** Tells what settlements say to operators. `failed`: the ids of what they ended as failed. Comes before the webhooks' health moves. */
  tellOfSettled(
    telling: { partition: number; now: number },
    settled: { settlements: readonly Settlement[]; failed: readonly string[] },
  ): DueDelivery[];
}

/** For use within transactions. */
export function prepareOperationalEvents({ client }: Connection): OperationalEvents {
  const asking = client.prepare<[], { id: string; events: string }>(
    `select id, json_extract(settings, '$.events') as events from webhooks
     where json_extract(settings, '$.events') <> '["change"]' and state <> 'disabled' order by id`,
  );
  const insert = client
    .prepare<unknown[], number>(
      `insert into operational_events (fact, kind, webhook_id, data, recorded_at) values (?, ?, ?, ?, ?)
       on conflict (fact) do nothing returning number`,
    )
    .pluck();
  const occupied = client.prepare<[string, number]>(
    `select 1 from deliveries
     where state = 'pending' and webhook_id = ? and sensor_id = '${EVENTS_LANE}' and +partition = ? order by number limit 1`,
  );
  const owe = client.prepare<unknown[]>(
    `insert into deliveries (id, webhook_id, partition, number, sensor_id, revision, state, planned_at, owed_since, next_attempt_at)
     values (?, ?, ?, ?, '${EVENTS_LANE}', 0, 'pending', ?, ?, ?)`,
  );
  const failing = client.prepare<[string, number], FailingWebhook>(
    `select id, url, failing_since as failingSince, last_success_at as lastSuccessAt from webhooks
     where id = ? and failing_since <= ? and told_failing_since is not failing_since`,
  );
  const markTold = client.prepare<[number, string]>("update webhooks set told_failing_since = ? where id = ?");
  const ended = client.prepare<[string], FailedDelivery>(
    `select d.id, d.webhook_id as webhookId, d.partition, d.number, d.sensor_id as sensorId, d.revision, d.reason, d.ended_at as endedAt,
       coalesce(a.number, 0) as attempts, a.error as lastError, a.status_code as lastStatusCode
     from deliveries d left join attempts a
       on a.delivery_id = d.id and a.number = (select max(number) from attempts where delivery_id = d.id)
     where d.id = ?`,
  );

  const audienceNow = (): Asking[] => asking.all().map(({ id, events }) => ({ id, events: JSON.parse(events) }));

  function owing(webhookId: string, number: number, { partition, now }: { partition: number; now: number }): DueDelivery | null {
    const id = eventDeliveryId(webhookId, number);
    const leads = occupied.get(webhookId, partition) === undefined;
    owe.run(id, webhookId, partition, number, now, now, leads ? now : null);
    const head = { id, webhookId, sensorId: EVENTS_LANE, partition, number, plannedAt: now, nextAttemptAt: now };
    return leads ? { ...head, laneFailures: 0, rejections: 0 } : null;
  }

  const events: OperationalEvents = {
    record(telling, facts) {
      const audience = facts.length === 0 ? [] : audienceNow();
      return facts.flatMap((fact) => {
        const those = audience.filter((each) => isAskedBy(fact, each));
        if (those.length === 0) return [];
        const number = insert.get(fact.fact, fact.kind, fact.webhookId, fact.data, telling.now);
        if (number === undefined) return [];
        return those.flatMap(({ id }) => owing(id, number, telling) ?? []);
      });
    },

    tellOfSettled(telling, { settlements, failed }) {
      const failures = lastFailures(settlements);
      const before = failingTold(telling.now);
      const down = [...failures.keys()].toSorted().flatMap((id) => failing.get(id, before) ?? []);
      if ((down.length === 0 && failed.length === 0) || audienceNow().length === 0) return [];
      const facts = down.map((webhook) => webhookFailing(webhook, failures.get(webhook.id)));
      for (const { id, failingSince } of down) markTold.run(failingSince, id);
      const gone = failed.map((id) => ended.get(id) as FailedDelivery);
      return events.record(telling, [...facts, ...gone.filter(isOfChange).map(deliveryFailed)]);
    },
  };
  return events;
}

export function prepareReadOperationalEvent({ client }: Connection): (number: number) => OperationalEvent | null {
  const read = client.prepare<[number], OperationalEvent>(
    "select number, kind, webhook_id as webhookId, recorded_at as recordedAt, data from operational_events where number = ?",
  );
  return (number) => read.get(number) ?? null;
}

function isOfChange({ sensorId, reason }: FailedDelivery): boolean {
  return sensorId !== EVENTS_LANE && isToldOf(reason);
}
