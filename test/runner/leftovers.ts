/** Processes that a test started and did not end. They are known by a mark in the environment that they inherited. */
import { readdirSync, readFileSync } from "node:fs";

export const MARK = "TOCSIN_TEST_RUN";

export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

const LOOK_MS = 50;

/** What still runs with this mark once `graceMs` are over; empty as soon as nothing does. Linux only; elsewhere nothing is found. */
export async function leftovers(mark: string, graceMs: number): Promise<Leftover[]> {
  const deadline = performance.now() + graceMs;
  for (;;) {
    const running = marked(mark);
    if (running.length === 0 || performance.now() >= deadline) return running;
    await Bun.sleep(LOOK_MS);
  }
}

/** Ends them, each by its own process id. */
export function endLeftovers(running: readonly Leftover[]): void {
  for (const { pid } of running) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

function marked(mark: string): Leftover[] {
  if (process.platform !== "linux") return [];
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return processes.flatMap((name) => {
    if (!words(`/proc/${name}/environ`).includes(`${MARK}=${mark}`)) return [];
    return [{ pid: Number(name), command: words(`/proc/${name}/cmdline`).join(" ").slice(0, 200) }];
  });
}

/** Empty for a process that has ended or belongs to somebody else. */
function words(file: string): string[] {
  try {
    return readFileSync(file, "utf8")
      .split("\0")
      .filter((word) => word !== "");
  } catch {
    return [];
  }
}
