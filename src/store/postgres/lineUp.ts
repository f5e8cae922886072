import type { ClientBase } from "pg";
import type { Connection } from "./connection";
import { lockLanesOf } from "./lanes";
import { statement } from "./statement";

/** So many are looked at in one transaction, so that nobody else waits while a long backlog is. */
const LOOKED_AT_ONCE = 2000;

const look = statement<{ ordinal: number; partition: number }>(
  "lineUp.look",
  `select d.ordinal, d.partition from deliveries d
   where d.webhook_id = $1 and (d.state, d.ordinal) > ('pending', $2::bigint) and d.state <= 'pending'
   order by d.state, d.ordinal limit ${LOOKED_AT_ONCE}`,
);

/** What was sent again waits for nobody, and nobody for it. */
const wait = statement(
  "lineUp.wait",
  `update deliveries d set next_attempt_at = null
   where d.ordinal = any($1::bigint[]) and d.state = 'pending' and d.next_attempt_at is not null and d.owed_since = d.planned_at
     and exists (
       select from deliveries e
       where e.webhook_id = d.webhook_id and e.partition = d.partition and e.sensor_id = d.sensor_id and e.state = 'pending'
         and e.number < d.number and e.next_attempt_at is not null and e.owed_since = e.planned_at)`,
);

/** Puts a webhook's deliveries of one sensor behind each other, which did not wait for each other so far. */
export async function lineUp(connection: Connection, webhookId: string): Promise<void> {
  for (let after: number | null = 0; after !== null;) {
    const from: number = after;
    after = await connection.write(({ client }) => lineUpSlice(client, webhookId, from));
  }
}

/** Gives the ordinal that the next slice begins after; null at the end. */
async function lineUpSlice(client: ClientBase, webhookId: string, after: number): Promise<number | null> {
  const looked = await look(client, webhookId, after);
  await lockLanesOf(
    client,
    looked.map(({ partition }) => partition),
  );
  const ordinals = looked.map(({ ordinal }) => ordinal);
  if (ordinals.length > 0) await wait(client, ordinals);
  return looked.length < LOOKED_AT_ONCE ? null : (ordinals.at(-1) ?? null);
}
