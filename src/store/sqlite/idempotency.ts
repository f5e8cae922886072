import { and, eq, inArray, lt, type SQL } from "drizzle-orm";
import type { BegunRequest, IdempotencyStore } from "../store";
import type { Connection } from "./connection";
import { beginningOf } from "../idempotencyRows";
import type { Direct } from "./faults";
import { idempotency } from "./schema/tokens";

export function openIdempotency({ db, write }: Connection): Direct<IdempotencyStore> {
  const { actorId, key, fingerprint, begunAt, status, answer } = idempotency;
  const those = (begun: BegunRequest) => and(eq(actorId, begun.actorId), eq(key, begun.key), eq(begunAt, begun.begunAt)) as SQL;

  return {
    beginIdempotent: (request, now, keptSince) =>
      write(() => {
        const fresh = { fingerprint: request.fingerprint, begunAt: now, endedAt: null, status: null, answer: null };
        const begun = db
          .insert(idempotency)
          .values({ ...request, begunAt: now })
          .onConflictDoUpdate({ target: [actorId, key], set: fresh, setWhere: lt(begunAt, keptSince) })
          .run();
        if (begun.changes > 0) return { kind: "begun" };
        const found = db
          .select({ fingerprint, begunAt, status, answer })
          .from(idempotency)
          .where(and(eq(actorId, request.actorId), eq(key, request.key)))
          .get();
        return beginningOf(found as NonNullable<typeof found>, request.fingerprint);
      }),

    endIdempotent(begun, answered) {
      db.update(idempotency)
        .set({ ...answered, endedAt: Date.now() })
        .where(those(begun))
        .run();
    },

    forgetIdempotent(begun) {
      db.delete(idempotency).where(those(begun)).run();
    },

    pruneIdempotent(before, limit) {
      const old = db.select({ key }).from(idempotency).where(lt(begunAt, before)).orderBy(begunAt).limit(limit);
      return db
        .delete(idempotency)
        .where(and(lt(begunAt, before), inArray(key, old)))
        .run().changes;
    },
  };
}
