/** What processes have taken, as Linux tells it (proc(5)); 0 where nobody can tell. */
import { readdirSync, readFileSync } from "node:fs";

const TICKS_PER_SECOND = 100;

/** Processor time of a process and its children, those that ended too, in microseconds. */
export function cpuMicrosOf(root: number): number {
  let ticks = 0;
  for (const pid of processIds()) {
    const stat = statOf(pid);
    if (stat === null) continue;
    if (pid === root) ticks += stat.own + stat.ended;
    else if (stat.parent === root) ticks += stat.own;
  }
  return (ticks * 1_000_000) / TICKS_PER_SECOND;
}

/** Resident memory in MiB, now and at its peak. */
export function memoryOf(pid: number): { readonly rssMb: number; readonly peakMb: number } {
  const status = readOrNull(`/proc/${pid}/status`) ?? "";
  const mb = (name: string) => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) / 1024);
  return { rssMb: mb("VmRSS"), peakMb: mb("VmHWM") };
}

function processIds(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function statOf(pid: number): { readonly parent: number; readonly own: number; readonly ended: number } | null {
  const text = readOrNull(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The command's name may hold anything; `state` follows it.
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const at = (index: number) => fields[index] ?? 0;
  return { parent: at(1), own: at(11) + at(12), ended: at(13) + at(14) };
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
