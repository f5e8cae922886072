/** Who may use the API, what they changed, and what they were answered. */
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { Reach } from "../../../domain/reach";
import type { ActorKind } from "../../auditStore";

export const tokens = sqliteTable(
  "tokens",
  {
    id: text().primaryKey(),
    name: text().notNull(),
    hash: text().notNull(),
    scopes: text({ mode: "json" }).$type<readonly string[]>().notNull(),
    /** Null for all sensors. */
    reach: text({ mode: "json" }).$type<Reach>(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at"),
    lastUsedAt: integer("last_used_at"),
  },
  (table) => [
    // findTokens; and a token is there once
    uniqueIndex("tokens_by_hash").on(table.hash),
  ],
);

/** Every edit that was asked for, written down before it is made; `status` is null until its end is known. */
export const audit = sqliteTable(
  "audit",
  {
    number: integer().primaryKey({ autoIncrement: true }),
    at: integer().notNull(),
    actorKind: text("actor_kind").$type<ActorKind>().notNull(),
    actorId: text("actor_id").notNull(),
    actorName: text("actor_name").notNull(),
    operation: text().notNull(),
    target: text(),
    requestId: text("request_id").notNull(),
    address: text(),
    status: integer(),
    detail: text({ mode: "json" }).$type<Readonly<Record<string, unknown>>>().notNull(),
  },
  (table) => [
    // prune, and a range of time
    index("audit_by_time").on(table.at),
    // listAudit by what was edited, and by who edited
    index("audit_by_target").on(table.target, table.number),
    index("audit_by_actor").on(table.actorId, table.number),
  ],
);

/** What requests with an Idempotency-Key were answered, so that a repeat gets the same; `endedAt` is null while the first one runs. */
export const idempotency = sqliteTable(
  "idempotency",
  {
    actorId: text("actor_id").notNull(),
    key: text().notNull(),
    /** SHA-256 of the operation, its path and its body, hex. */
    fingerprint: text().notNull(),
    begunAt: integer("begun_at").notNull(),
    endedAt: integer("ended_at"),
    status: integer(),
    /** Sealed: an answer may show a secret. */
    answer: text(),
  },
  (table) => [
    primaryKey({ columns: [table.actorId, table.key] }),
    // prune
    index("idempotency_by_begin").on(table.begunAt),
  ],
);
