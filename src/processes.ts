/** What the operating system knows of a process, and how one that outlived its parent is ended. */
import { readFileSync } from "node:fs";
import { spawnSync } from "node:child_process";

/** Whether a process with this id runs. A zombie has ended: it only waits to be reaped, which some containers' first process never does. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return !isZombie(pid);
}

/** The words a process was started with, joined by spaces; null when there is no such process or it may not be asked. */
export function commandLine(pid: number): string | null {
  if (process.platform === "linux") {
    const words = readProc(pid, "cmdline");
    return words === null || words === "" ? null : words.split("\0").filter(Boolean).join(" ");
  }
  const text = ask(pid, "command=");
  return text === "" ? null : text;
}

/** Ends a process that may not be our child: SIGTERM, after `graceMs` SIGKILL. Resolves once it is gone; throws when it stays. */
export async function endProcess(pid: number, graceMs: number): Promise<void> {
  signal(pid, "SIGTERM");
  if (await gone(pid, graceMs)) return;
  signal(pid, "SIGKILL");
  if (await gone(pid, 5_000)) return;
  throw new Error(`process ${pid} does not end, not even on SIGKILL`);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Polls: the end of a process that is not a child of ours cannot be waited for. */
async function gone(pid: number, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (isRunning(pid)) {
    if (performance.now() >= deadline) return false;
    await Bun.sleep(10);
  }
  return true;
}

function isZombie(pid: number): boolean {
  if (process.platform !== "linux") return ask(pid, "stat=").startsWith("Z");
  // The state follows the program's name, which stands in parentheses and may itself hold any character.
  const stat = readProc(pid, "stat") ?? "";
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
}

function readProc(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return null;
  }
}

function ask(pid: number, column: string): string {
  return spawnSync("ps", ["-o", column, "-p", String(pid)], { encoding: "utf8" }).stdout?.trim() ?? "";
}
