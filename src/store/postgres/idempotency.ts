import { beginningOf } from "../idempotencyRows";
import type { IdempotencyStore } from "../store";
import type { Connection } from "./connection";
import { statement } from "./statement";

const begin = statement<{ key: string }>(
  "idempotency.begin",
  `insert into idempotency as i (actor_id, key, fingerprint, begun_at) values ($1, $2, $3, $4)
   on conflict (actor_id, key) do update
     set fingerprint = excluded.fingerprint, begun_at = excluded.begun_at, ended_at = null, status = null, answer = null
     where i.begun_at < $5
   returning key`,
);
const find = statement<{ fingerprint: string; begunAt: number; status: number | null; answer: string | null }>(
  "idempotency.find",
  'select fingerprint, begun_at as "begunAt", status, answer from idempotency where actor_id = $1 and key = $2',
);
const end = statement(
  "idempotency.end",
  "update idempotency set status = $4, answer = $5, ended_at = $6 where actor_id = $1 and key = $2 and begun_at = $3",
);
const forget = statement("idempotency.forget", "delete from idempotency where actor_id = $1 and key = $2 and begun_at = $3");
const prune = statement<{ key: string }>(
  "idempotency.prune",
  `delete from idempotency where (actor_id, key) in
     (select actor_id, key from idempotency where begun_at < $1 order by begun_at limit $2) and begun_at < $1 returning key`,
);

/** Between a key that is there and a look at it, whoever began may forget it: then it is begun anew. */
const TRIES_MAX = 5;

export function openIdempotency({ work }: Connection): IdempotencyStore {
  return {
    async beginIdempotent({ actorId, key, fingerprint }, now, keptSince) {
      for (let tries = 1; ; tries += 1) {
        const begun = await begin(work, actorId, key, fingerprint, now, keptSince);
        if (begun.length > 0) return { kind: "begun" };
        const [found] = await find(work, actorId, key);
        if (found !== undefined) return beginningOf(found, fingerprint);
        if (tries === TRIES_MAX) return { kind: "running", begunAt: now };
      }
    },

    async endIdempotent({ actorId, key, begunAt }, { status, answer }) {
      await end(work, actorId, key, begunAt, status, answer, Date.now());
    },

    async forgetIdempotent({ actorId, key, begunAt }) {
      await forget(work, actorId, key, begunAt);
    },

    async pruneIdempotent(before, limit) {
      return (await prune(work, before, limit)).length;
    },
  };
}
