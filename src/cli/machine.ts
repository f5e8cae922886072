/** What this machine says of itself. */
import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { cpus, freemem, loadavg, totalmem } from "node:os";
import { join } from "node:path";

export const READINGS = ["load", "memory", "disk", "temperature"] as const;
export type ReadingName = (typeof READINGS)[number];

export interface Reading {
  readonly name: ReadingName;
  /** Load per core; percent of memory or disk in use; degrees Celsius. */
  readonly value: number;
  readonly message: string;
}

const THERMAL = "/sys/class/thermal";
const MEMINFO = "/proc/meminfo";
const GIB = 1024 ** 3;

/** A reading for each thing that this machine can tell. `disk` is the folder whose file system is meant. */
export function readMachine(disk: string): Reading[] {
  return [load(), memory(), diskUse(disk), temperature()].filter((reading) => reading !== null);
}

function load(): Reading {
  const cores = Math.max(1, cpus().length);
  const minute = loadavg()[0] ?? 0;
  return { name: "load", value: rounded(minute / cores, 2), message: `load ${minute.toFixed(2)} on ${cores} cores` };
}

function memory(): Reading {
  const total = totalmem();
  const available = availableMemory() ?? freemem();
  return {
    name: "memory",
    value: rounded((1 - available / total) * 100, 1),
    message: `${(available / GIB).toFixed(1)} of ${(total / GIB).toFixed(1)} GiB available`,
  };
}

/** What Linux could give without swapping; "free" leaves out the caches that it would give back. */
function availableMemory(): number | null {
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(readText(MEMINFO) ?? "")?.[1];
  return kib === undefined ? null : Number(kib) * 1024;
}

/** Null where there is no such folder, or its file system has no size (/proc). */
export function diskUse(folder: string): Reading | null {
  try {
    const { blocks, bavail, bfree, bsize } = statfsSync(folder);
    // As df counts: the blocks reserved for root are neither used nor available.
    const used = blocks - bfree;
    if (used + bavail === 0) return null;
    const value = rounded((used / (used + bavail)) * 100, 1);
    return { name: "disk", value, message: `${((bavail * bsize) / GIB).toFixed(1)} GiB available on ${folder}` };
  } catch {
    return null;
  }
}

/** The hottest zone; null where the kernel shows none. */
function temperature(): Reading | null {
  const zones = thermalZones().flatMap((zone) => {
    const millidegrees = Number(readText(join(THERMAL, zone, "temp")) ?? Number.NaN);
    return Number.isFinite(millidegrees) ? [{ zone, celsius: millidegrees / 1000 }] : [];
  });
  const hottest = zones.reduce<(typeof zones)[number] | null>(
    (max, each) => (max === null || each.celsius > max.celsius ? each : max),
    null,
  );
  if (hottest === null) return null;
  const type = readText(join(THERMAL, hottest.zone, "type")) ?? hottest.zone;
  return { name: "temperature", value: rounded(hottest.celsius, 1), message: `${hottest.celsius.toFixed(1)} °C at ${type}` };
}

function thermalZones(): string[] {
  try {
    return readdirSync(THERMAL).filter((name) => name.startsWith("thermal_zone"));
  } catch {
    return [];
  }
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return null;
  }
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
