import { spawn } from "node:child_process";

const OUTPUT_CHARS_MAX = 64 * 1024;

export interface CommandResult {
  readonly ok: boolean;
  /** What it printed, both streams in one, the end of it when it was much. */
  readonly output: string;
  /** Why it is not ok, in one line; empty when it is. */
  readonly reason: string;
}

/**
 * Runs a program to its end, without a shell and without input, in a process group of its own; when the time is up the whole group is
 * killed (a compiler leaves its own children behind otherwise). Never throws.
 */
export function runCommand(words: readonly string[], options: { timeoutMs: number; cwd?: string }): Promise<CommandResult> {
  const [program = "", ...rest] = words;
  return new Promise((resolve) => {
    const child = spawn(program, rest, { cwd: options.cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let late = false;
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const timer = setTimeout(() => {
      late = true;
      killGroup(child.pid);
    }, options.timeoutMs);
    // It is in a group of its own, so a Ctrl-C at the terminal does not reach it; when we go, it goes.
    const leaving = () => killGroup(child.pid);
    process.once("exit", leaving);
    const done = (ok: boolean, reason: string) => {
      clearTimeout(timer);
      process.off("exit", leaving);
      resolve({ ok, output, reason });
    };
    child.on("error", (error) => done(false, error.message));
    child.on("close", (code, signal) => {
      if (code === 0) return done(true, "");
      const how = late ? `not done after ${options.timeoutMs / 1000} s` : `${program} ended with ${code ?? signal}`;
      const last = lastLine(output);
      done(false, last === "" ? how : `${how}: ${last}`);
    });
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}

function lastLine(output: string): string {
  return output.trimEnd().split("\n").at(-1)?.trim() ?? "";
}
