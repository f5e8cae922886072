import { Command } from "commander";
import { version } from "../../package.json";
import { logsStacks } from "../config";
import { endingOf } from "./errors";
import { addDoctor } from "./doctor";
import { addKey } from "./key";
import { addListen } from "./listen";
import { addMigrate } from "./migrate";
import { addSense } from "./sense";
import { addServe } from "./serve";
import { addSimulate } from "./simulate";
import { addTail } from "./tail";
import { addToken } from "./token";
import { addUp } from "./up";

/** Runs one command to its end and gives the process's exit code. `words` are the arguments without program and script. */
export async function runCli(words: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(words, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const { text, exitCode } = endingOf(error, logsStacks());
    if (text !== null) console.error(`tocsin: ${text}`);
    return exitCode;
  }
}

/** Commands are made by `program.command`, so that each of them inherits how errors end. */
export function createProgram(): Command {
  const program = new Command("tocsin")
    .description("Sensors say how they are; Tocsin notices when a status changes, and tells everyone who asked by a signed webhook.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print how it is used")
    .helpCommand("help [command]", "print how a command is used")
    .showHelpAfterError("(--help shows the flags, with examples)")
    .showSuggestionAfterError(true)
    .exitOverride()
    .addHelpText("after", EXAMPLES);
  for (const add of [addUp, addServe, addMigrate, addToken, addKey, addTail, addListen, addSimulate, addSense, addDoctor]) add(program);
  return program;
}

const EXAMPLES = `
Examples:
  $ tocsin up                                   everything on this machine, by one command
  $ tocsin doctor                               what is wrong, and what to do about it
  $ tocsin tail                                 follow the changes in the terminal
  $ tocsin listen                               receive webhooks here, and print them
  $ tocsin sense                                this machine as four sensors
  $ tocsin simulate --sensors 100 --rate 500    a fleet of a hundred

Where a running Tocsin is, and everything else, comes from the environment: see .env.example.`;
