import type { Command } from "commander";
import { newSealingKeyText } from "../vault/sealingKey";

export function addKey(program: Command): void {
  program
    .command("key")
    .description("print a new SECRETS_KEY, the key that encrypts webhooks' secrets in the database")
    .addHelpText("after", EXAMPLES)
    .action(() => console.log(newSealingKeyText()));
}

const EXAMPLES = `
Examples:
  $ tocsin key
  $ echo "SECRETS_KEY=$(tocsin key)" >> tocsin.env`;
