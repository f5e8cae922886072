import { defineConfig } from "drizzle-kit";

/**
 * `bun --bun drizzle-kit generate --config drizzle.postgres.config.ts --name add_…`. What Drizzle has no words for is added by hand:
 * every text column is `COLLATE "C"`, because ids are ordered by their bytes, and what is kept by days is `PARTITION BY RANGE`.
 */
export default defineConfig({
  dialect: "postgresql",
  schema: "./src/store/postgres/schema",
  out: "./drizzle/postgres",
});
