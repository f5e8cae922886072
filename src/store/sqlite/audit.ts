import { and, asc, desc, eq, gt, gte, inArray, lt, type SQL } from "drizzle-orm";
import { auditPage, boundsOf, isSifted, type NumberBounds, timeAfter } from "../auditRows";
import { AUDIT_LOOKED_AT_MAX, type AuditQuery, type AuditStore } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";
import { audit } from "./schema/tokens";

export function openAudit({ db, write }: Connection): Direct<AuditStore> {
  function firstAt(time: number | undefined): number | null {
    if (time === undefined) return null;
    const first = db.select({ number: audit.number }).from(audit).where(gte(audit.at, time)).orderBy(asc(audit.at), asc(audit.number));
    return first.limit(1).get()?.number ?? null;
  }

  /** The last one that is looked at; null when there are no more than that. */
  function floorOf(along: SQL | undefined): number | null {
    const looked = db.select({ number: audit.number }).from(audit).where(along).orderBy(desc(audit.number));
    return (
      looked
        .limit(1)
        .offset(AUDIT_LOOKED_AT_MAX - 1)
        .get()?.number ?? null
    );
  }

  return {
    recordEdit: (draft) =>
      write(() => {
        const last = db.select({ at: audit.at }).from(audit).orderBy(desc(audit.number)).limit(1).get();
        const at = timeAfter(last?.at ?? 0, Date.now());
        const { number } = db
          .insert(audit)
          .values({ ...draft, at })
          .returning({ number: audit.number })
          .get();
        return number;
      }),

    completeEdit(number, { status, target }) {
      const known = target === null ? { status } : { status, target };
      db.update(audit).set(known).where(eq(audit.number, number)).run();
    },

    withdrawEdit(number) {
      db.delete(audit).where(eq(audit.number, number)).run();
    },

    listAudit(query, page) {
      const { since, until } = query.range ?? {};
      const firstSince = firstAt(since);
      if (since !== undefined && firstSince === null) return { items: [], nextCursor: null };
      const along = alongOf(query, boundsOf(page, { firstSince, firstUntil: firstAt(until) }));
      const floor = isSifted(query) ? floorOf(along) : null;
      const rows = db
        .select()
        .from(audit)
        .where(and(along, ...restOf(query), floor === null ? undefined : gte(audit.number, floor)))
        .orderBy(desc(audit.number))
        .limit(page.limit + 1)
        .all();
      return auditPage(rows, page, floor);
    },

    pruneAudit(before, limit) {
      const old = db.select({ number: audit.number }).from(audit).where(lt(audit.at, before)).orderBy(asc(audit.at)).limit(limit);
      return db.delete(audit).where(inArray(audit.number, old)).run().changes;
    },
  };
}

/** What an index leads along. */
function alongOf({ actorId, target }: AuditQuery, { above, below }: NumberBounds): SQL | undefined {
  const led = target === undefined ? (actorId === undefined ? undefined : eq(audit.actorId, actorId)) : eq(audit.target, target);
  return and(led, gt(audit.number, above), lt(audit.number, below));
}

/** What is looked at on the way. */
function restOf({ actorId, target, operation, range: { since, until } = {} }: AuditQuery): (SQL | undefined)[] {
  return [
    target === undefined || actorId === undefined ? undefined : eq(audit.actorId, actorId),
    operation === undefined ? undefined : eq(audit.operation, operation),
    since === undefined ? undefined : gte(audit.at, since),
    until === undefined ? undefined : lt(audit.at, until),
  ];
}
