import { nextTurn } from "../../nextTurn";
import { EVENTS_LANE } from "../../domain/delivery";
import type { Terms } from "../../domain/webhook";
import type { Connection } from "./connection";

/** So many are looked at in one transaction, so that nobody else waits while a long backlog is. */
const LOOKED_AT_ONCE = 2000;

/** Makes a webhook's pending deliveries wait for each other as if they had been planned by these terms. */
export function prepareArrange({ client, write }: Connection): (webhookId: string, begins: Terms["begins"]) => Promise<void> {
  const look = client
    .prepare<[string, number, number], number>(
      "select ordinal from deliveries where webhook_id = ? and state = 'pending' and ordinal > ? order by ordinal limit ?",
    )
    .pluck();
  // Behind each other. What was sent again waits for nobody, and nobody for it. The pluses keep SQLite in the index of lanes.
  const lane = client.prepare<[string, number, number]>(
    `update deliveries as d set next_attempt_at = null
     where d.webhook_id = ? and d.state = 'pending' and d.ordinal > ? and d.ordinal <= ? and +d.next_attempt_at is not null
       and d.owed_since = d.planned_at and exists (
         select 1 from deliveries e
         where e.state = 'pending' and e.webhook_id = d.webhook_id and e.sensor_id = d.sensor_id and +e.partition = d.partition
           and e.number < d.number and +e.next_attempt_at is not null and e.owed_since = e.planned_at)`,
  );

  const free = client.prepare<[number, string, number, number]>(
    `update deliveries set next_attempt_at = ?
     where webhook_id = ? and state = 'pending' and ordinal > ? and ordinal <= ? and +next_attempt_at is null
       and +sensor_id <> '${EVENTS_LANE}'`,
  );
  // What failed, too, so that nothing passes it.
  const batch = client.prepare<[string, number, number]>(
    `update deliveries set next_attempt_at = 0
     where webhook_id = ? and state = 'pending' and ordinal > ? and ordinal <= ? and +next_attempt_at is not 0
       and +sensor_id <> '${EVENTS_LANE}'`,
  );
  const byTerms: Record<Terms["begins"], (webhookId: string, after: number, last: number) => unknown> = {
    lane: (...slice) => lane.run(...slice),
    free: (...slice) => free.run(Date.now(), ...slice),
    batch: (...slice) => batch.run(...slice),
  };

  return async (webhookId, begins) => {
    for (let after = 0; ; await nextTurn()) {
      const ordinals = write(() => {
        const looked = look.all(webhookId, after, LOOKED_AT_ONCE);
        byTerms[begins](webhookId, after, looked.at(-1) ?? after);
        return looked;
      });
      if (ordinals.length < LOOKED_AT_ONCE) return;
      after = ordinals.at(-1) ?? after;
    }
  };
}
