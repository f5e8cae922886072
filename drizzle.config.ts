import { defineConfig } from "drizzle-kit";

/**
 * `bun --bun drizzle-kit generate --name add_…` writes the next migration for SQLite from its schema. What Drizzle has no words for is
 * added to the file by hand, with a comment: later runs neither see nor undo it. For Postgres: `--config drizzle.postgres.config.ts`.
 */
export default defineConfig({
  dialect: "sqlite",
  schema: "./src/store/sqlite/schema",
  out: "./drizzle/sqlite",
});
