import type { ClientBase } from "pg";
import { EVENTS_LANE } from "../../domain/delivery";
import type { Terms } from "../../domain/webhook";
import type { Connection } from "./connection";
import { lockLanesOf } from "./lanes";
import { statement } from "./statement";

/** So many are looked at in one transaction, so that nobody else waits while a long backlog is. */
const LOOKED_AT_ONCE = 2000;

const look = statement<{ ordinal: number; partition: number }>(
  "arrange.look",
  `select d.ordinal, d.partition from deliveries d
   where d.webhook_id = $1 and (d.state, d.ordinal) > ('pending', $2::bigint) and d.state <= 'pending'
   order by d.state, d.ordinal limit ${LOOKED_AT_ONCE}`,
);

/**
 * Behind the first of their lane. What was sent again waits for nobody, and nobody for it. The order leads the subquery along the lane: by
 * a plan from when the table was empty it might as well go through all that the webhook is owed, for each of them.
 */
const lane = statement(
  "arrange.lane",
  `update deliveries d set next_attempt_at = null
   where d.ordinal = any($1::bigint[]) and d.state = 'pending' and d.next_attempt_at is not null and d.owed_since = d.planned_at
     and d.number > (
       select e.number from deliveries e
       where e.webhook_id = d.webhook_id and e.partition = d.partition and e.sensor_id = d.sensor_id and e.state = 'pending'
         and e.next_attempt_at is not null and e.owed_since = e.planned_at
       order by e.number limit 1)`,
);

const free = statement(
  "arrange.free",
  `update deliveries set next_attempt_at = $2::bigint
   where ordinal = any($1::bigint[]) and state = 'pending' and next_attempt_at is null and sensor_id <> '${EVENTS_LANE}'`,
);

/** What failed, too, so that nothing passes it. */
const batch = statement(
  "arrange.batch",
  `update deliveries set next_attempt_at = 0
   where ordinal = any($1::bigint[]) and state = 'pending' and next_attempt_at is distinct from 0
     and sensor_id <> '${EVENTS_LANE}'`,
);

const BY_TERMS: Record<Terms["begins"], (client: ClientBase, ordinals: readonly number[]) => Promise<unknown>> = {
  lane,
  free: (client, ordinals) => free(client, ordinals, Date.now()),
  batch,
};

/** Makes a webhook's pending deliveries wait for each other as if they had been planned by these terms. */
export async function arrange(connection: Connection, webhookId: string, begins: Terms["begins"]): Promise<void> {
  for (let after: number | null = 0; after !== null;) {
    const from: number = after;
    after = await connection.write(({ client }) => arrangeSlice(client, { webhookId, begins, after: from }));
  }
}

interface Slice {
  readonly webhookId: string;
  readonly begins: Terms["begins"];
  readonly after: number;
}

/** Gives the ordinal that the next slice begins after; null at the end. */
async function arrangeSlice(client: ClientBase, { webhookId, begins, after }: Slice): Promise<number | null> {
  const looked = await look(client, webhookId, after);
  await lockLanesOf(
    client,
    looked.map(({ partition }) => partition),
  );
  const ordinals = looked.map(({ ordinal }) => ordinal);
  if (ordinals.length > 0) await BY_TERMS[begins](client, ordinals);
  return looked.length < LOOKED_AT_ONCE ? null : (ordinals.at(-1) ?? null);
}
