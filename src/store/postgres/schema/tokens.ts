/** Who may use the API, what they changed, and what they were answered. */
import { bigint, index, integer, json, pgTable, primaryKey, text, uniqueIndex } from "drizzle-orm/pg-core";
import type { Reach } from "../../../domain/reach";
import type { ActorKind } from "../../auditStore";

export const tokens = pgTable(
  "tokens",
  {
    id: text().primaryKey(),
    name: text().notNull(),
    hash: text().notNull(),
    scopes: json().$type<readonly string[]>().notNull(),
    /** Null for all sensors. */
    reach: json().$type<Reach>(),
    createdAt: bigint("created_at", { mode: "number" }).notNull(),
    expiresAt: bigint("expires_at", { mode: "number" }),
    lastUsedAt: bigint("last_used_at", { mode: "number" }),
  },
  (table) => [
    // findTokens; and a token is there once
    uniqueIndex("tokens_by_hash").on(table.hash),
  ],
);

/** Every edit that was asked for, written down before it is made; `status` is null until its end is known. */
export const audit = pgTable(
  "audit",
  {
    number: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    at: bigint({ mode: "number" }).notNull(),
    actorKind: text("actor_kind").$type<ActorKind>().notNull(),
    actorId: text("actor_id").notNull(),
    actorName: text("actor_name").notNull(),
    operation: text().notNull(),
    target: text(),
    requestId: text("request_id").notNull(),
    address: text(),
    status: integer(),
    detail: json().$type<Readonly<Record<string, unknown>>>().notNull(),
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
export const idempotency = pgTable(
  "idempotency",
  {
    actorId: text("actor_id").notNull(),
    key: text().notNull(),
    /** SHA-256 of the operation, its path and its body, hex. */
    fingerprint: text().notNull(),
    begunAt: bigint("begun_at", { mode: "number" }).notNull(),
    endedAt: bigint("ended_at", { mode: "number" }),
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
