import { CommanderError } from "commander";
import { ConfigError } from "../configReader";
import { isFault } from "../domain/fault";
import { ApiError } from "./api";

export const EXIT_FAILED = 1;
/** Wrong flags, wrong environment: the same call cannot succeed. */
export const EXIT_USAGE = 2;

/** A call that cannot be carried out as it was asked for, found after the flags were parsed. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Ending {
  /** What stands on stderr; null when it was said already. */
  readonly text: string | null;
  readonly exitCode: number;
}

/** From an error to what the person reads and the exit code: the command line's one table. No stack, unless `stacks` asks for one. */
export function endingOf(error: unknown, stacks: boolean): Ending {
  // Commander has printed its message, help or version by itself.
  if (error instanceof CommanderError) return { text: null, exitCode: error.exitCode === 0 ? 0 : EXIT_USAGE };
  if (error instanceof ConfigError || error instanceof UsageError) return { text: error.message, exitCode: EXIT_USAGE };
  if (isFault(error) || error instanceof ApiError) return { text: error.message, exitCode: EXIT_FAILED };
  const failure = error instanceof Error ? error : new Error(String(error));
  if (stacks) return { text: failure.stack ?? failure.message, exitCode: EXIT_FAILED };
  return { text: `${failure.message} (LOG_LEVEL=debug shows where)`, exitCode: EXIT_FAILED };
}
