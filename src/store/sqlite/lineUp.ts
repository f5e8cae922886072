import { nextTurn } from "../../nextTurn";
import type { Connection } from "./connection";

/** So many are looked at in one transaction, so that nobody else waits while a long backlog is. */
const LOOKED_AT_ONCE = 2000;

/** Puts a webhook's deliveries of one sensor behind each other, which did not wait for each other so far. */
export function prepareLineUp({ client, write }: Connection): (webhookId: string) => Promise<void> {
  const look = client
    .prepare<[string, number, number], number>(
      "select ordinal from deliveries where webhook_id = ? and state = 'pending' and ordinal > ? order by ordinal limit ?",
    )
    .pluck();
  // What was sent again waits for nobody, and nobody for it. The pluses keep SQLite in the index of lanes.
  const wait = client.prepare<[string, number, number]>(
    `update deliveries as d set next_attempt_at = null
     where d.webhook_id = ? and d.state = 'pending' and d.ordinal > ? and d.ordinal <= ? and +d.next_attempt_at is not null
       and d.owed_since = d.planned_at and exists (
         select 1 from deliveries e
         where e.state = 'pending' and e.webhook_id = d.webhook_id and e.sensor_id = d.sensor_id and +e.partition = d.partition
           and e.number < d.number and +e.next_attempt_at is not null and e.owed_since = e.planned_at)`,
  );

  return async (webhookId) => {
    for (let after = 0; ; await nextTurn()) {
      const ordinals = write(() => {
        const looked = look.all(webhookId, after, LOOKED_AT_ONCE);
        wait.run(webhookId, after, looked.at(-1) ?? after);
        return looked;
      });
      if (ordinals.length < LOOKED_AT_ONCE) return;
      after = ordinals.at(-1) ?? after;
    }
  };
}
