import type { Command } from "commander";
import { shownUrl } from "../addresses";
import { readConfig, type StoreConfig } from "../config";
import { Fault, isFault } from "../domain/fault";
import { withOwnStore } from "./ownStore";

export function addMigrate(program: Command): void {
  program
    .command("migrate")
    .description("bring the database's tables up to date, as a separate step; every start does it, too")
    .addHelpText("after", EXAMPLES)
    .action(migrate);
}

async function migrate(): Promise<void> {
  const { config } = readConfig();
  let unknown: number;
  try {
    unknown = await withOwnStore(config, async (store) => {
      await store.probe();
      return store.unknownMigrations();
    });
  } catch (error) {
    if (!isFault(error) || config.store.kind === "sqlite") throw error;
    throw new Fault(error.kind, `${placeOf(config.store)}: ${error.message}`, error.details);
  }
  console.log(`the tables are ${unknown === 0 ? "up to date" : "newer than this program, and stay so"}: ${placeOf(config.store)}`);
}

function placeOf(store: StoreConfig): string {
  return store.kind === "sqlite" ? store.file : shownUrl(store.url);
}

const EXAMPLES = `
Examples:
  $ tocsin migrate
  $ DATA_DIR=/var/lib/tocsin tocsin migrate
  $ DATABASE_URL=postgres://tocsin@db/tocsin tocsin migrate`;
