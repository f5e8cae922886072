import { Command } from "commander";
import { version } from "../../package.json";
import { logsStacks } from "../config";
import { endingOf } from "./errors";
import { addDoctor } from "./doctor";
import { addKey } from "./key";
import { addListen } from "./listen";
import { addMigrate } from "./migrate";
import { addReplay } from "./replay";
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
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print a command's help")
    .showHelpAfterError("(--help shows the flags, with examples)")
    .showSuggestionAfterError(true)
    .exitOverride()
    .addHelpText("after", EXAMPLES);
  for (const add of [addUp, addServe, addMigrate, addToken, addKey, addTail, addListen, addReplay, addSimulate, addSense, addDoctor])
    add(program);
  return program;
}

const EXAMPLES = `
Examples:
  $ tocsin up                                   run everything on this machine
  $ tocsin doctor                               check what is wrong, and what to do about it
  $ tocsin tail                                 follow the changes in the terminal
  $ tocsin listen                               receive webhooks here, and print them
  $ tocsin replay wh_… --since 1h               send a webhook what it missed
  $ tocsin sense                                report this machine as sensors
  $ tocsin simulate --sensors 100 --rate 500    simulate a fleet of a hundred

Everything is configured by environment variables; .env.example lists all of them, docs/operations.md explains them.`;
