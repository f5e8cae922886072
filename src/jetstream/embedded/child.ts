/** One run of a nats-server process. */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, statSync } from "node:fs";
import { runCommand } from "./command";

const OUTPUT_BYTES_MAX = 1024 * 1024;

export interface ServerChild {
  /** Null when it could not even be started. */
  readonly pid: number | null;
  /** How it ended, for people: "code 1", "signal SIGKILL". */
  readonly exited: Promise<string>;
  kill(signal: NodeJS.Signals): void;
}

export interface ServerProgram {
  readonly binary: string;
  readonly confFile: string;
  /** Takes what the server says before it has opened its log, and a crash's last words. */
  readonly outputFile: string;
  /** Words put in front, see {@link dieWithParent}. */
  readonly prefix: readonly string[];
}

/** Starts the server in a session of its own: on Ctrl-C we must hear first. Never throws: what cannot start has ended. */
export function startChild(program: ServerProgram): ServerChild {
  try {
    return spawnChild(program);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { pid: null, exited: Promise.resolve(reason), kill: () => {} };
  }
}

function spawnChild({ binary, confFile, outputFile, prefix }: ServerProgram): ServerChild {
  const [program = binary, ...rest] = [...prefix, binary, "-c", confFile];
  const output = openSync(outputFile, sizeOf(outputFile) > OUTPUT_BYTES_MAX ? "w" : "a", 0o600);
  try {
    const child = spawn(program, rest, { detached: true, stdio: ["ignore", output, output] });
    const exited = new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(signal === null ? `code ${code}` : `signal ${signal}`));
    });
    return { pid: child.pid ?? null, exited, kill: (signal) => void child.kill(signal) };
  } finally {
    closeSync(output);
  }
}

/**
 * The words that make Linux kill a program when its parent dies (prctl PR_SET_PDEATHSIG); none where that cannot be had. The signal
 * belongs to the thread that started the child, so the child is to be started from the main thread, which lives as long as we do.
 */
export async function dieWithParent(): Promise<string[]> {
  const setpriv = process.platform === "linux" ? Bun.which("setpriv") : null;
  if (setpriv === null) return [];
  const words = [setpriv, "--pdeathsig", "KILL", "--"];
  // BusyBox has a setpriv without this option.
  const { ok } = await runCommand([...words, "true"], { timeoutMs: 5_000 });
  return ok ? words : [];
}

export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The last lines of a file beyond an offset in bytes; the whole file if it is shorter (it was rotated). */
export function lastLines(file: string, offset: number, count: number): string[] {
  const size = sizeOf(file);
  if (size === 0) return [];
  const text = readFileSync(file)
    .subarray(size >= offset ? offset : 0)
    .toString();
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-count);
}
