/** Who may use the API. */
import { bigint, json, pgTable, text, uniqueIndex } from "drizzle-orm/pg-core";

export const tokens = pgTable(
  "tokens",
  {
    id: text().primaryKey(),
    name: text().notNull(),
    hash: text().notNull(),
    scopes: json().$type<readonly string[]>().notNull(),
    createdAt: bigint("created_at", { mode: "number" }).notNull(),
    expiresAt: bigint("expires_at", { mode: "number" }),
    lastUsedAt: bigint("last_used_at", { mode: "number" }),
  },
  (table) => [
    // findToken; and a token is there once
    uniqueIndex("tokens_by_hash").on(table.hash),
  ],
);
