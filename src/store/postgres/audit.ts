import { and, desc, eq, gt, gte, lt, type SQL } from "drizzle-orm";
import { auditPage, boundsOf, isSifted, type NumberBounds, PUT_BACK_MAX_MS } from "../auditRows";
import { AUDIT_LOOKED_AT_MAX, type AuditQuery, type AuditStore } from "../store";
import { NOW_MS } from "./clock";
import type { Connection } from "./connection";
import { audit } from "./schema/tokens";
import { statement } from "./statement";

const record = statement<{ number: number }>(
  "audit.record",
  `insert into audit (at, actor_kind, actor_id, actor_name, operation, target, request_id, address, detail)
   select case when l.at - n.now between 0 and ${PUT_BACK_MAX_MS} then l.at else n.now end, $1, $2, $3, $4, $5, $6, $7, $8::json
   from (select ${NOW_MS} as now) n left join (select at from audit order by number desc limit 1) l on true
   returning number`,
);
const complete = statement("audit.complete", "update audit set status = $2, target = coalesce($3, target) where number = $1");
const withdraw = statement("audit.withdraw", "delete from audit where number = $1");
const firstNumber = statement<{ number: number }>("audit.firstAt", "select number from audit where at >= $1 order by at limit 1");
const prune = statement<{ pruned: number }>(
  "audit.prune",
  `with gone as (
     delete from audit where number = any(array(select number from audit where at < $1 order by at limit $2)) returning 1)
   select count(*) as pruned from gone`,
);

export function openAudit({ work, db }: Connection): AuditStore {
  const firstAt = async (time: number | undefined) => (time === undefined ? null : ((await firstNumber(work, time))[0]?.number ?? null));

  /** The last one that is looked at; null when there are no more than that. */
  async function floorOf(along: SQL | undefined): Promise<number | null> {
    const looked = db.select({ number: audit.number }).from(audit).where(along).orderBy(desc(audit.number));
    return (await looked.limit(1).offset(AUDIT_LOOKED_AT_MAX - 1))[0]?.number ?? null;
  }

  return {
    async recordEdit({ actorKind, actorId, actorName, operation, target, requestId, address, detail }) {
      const [row] = await record(work, actorKind, actorId, actorName, operation, target, requestId, address, JSON.stringify(detail));
      return (row as { number: number }).number;
    },

    async completeEdit(number, { status, target }) {
      await complete(work, number, status, target);
    },

    async withdrawEdit(number) {
      await withdraw(work, number);
    },

    async listAudit(query, page) {
      const { since, until } = query.range ?? {};
      const firstSince = await firstAt(since);
      if (since !== undefined && firstSince === null) return { items: [], nextCursor: null };
      const along = alongOf(query, boundsOf(page, { firstSince, firstUntil: await firstAt(until) }));
      const floor = isSifted(query) ? await floorOf(along) : null;
      const rows = await db
        .select()
        .from(audit)
        .where(and(along, ...restOf(query), floor === null ? undefined : gte(audit.number, floor)))
        .orderBy(desc(audit.number))
        .limit(page.limit + 1);
      return auditPage(rows, page, floor);
    },

    pruneAudit: async (before, limit) => (await prune(work, before, limit))[0]?.pruned ?? 0,
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
