/** Our own folder of nats-servers, one file per version, shared by every Tocsin of this user. */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { isExecutable, readVersion } from "./found";
import { compareVersions, parseVersion, type Version, versionText } from "./version";

const NAME = /^nats-server-v(\d+\.\d+\.\d+)$/;
const WORK_PREFIX = "work-";
const WORK_FORGOTTEN_MS = 24 * 3600 * 1000;

export interface CachedServer {
  readonly path: string;
  readonly version: Version;
  /** When it was put there or last looked past, in vain, for a newer one; epoch milliseconds. */
  readonly checkedAt: number;
}

/** The newest server in the cache, or null. */
export function newestCached(cacheDir: string): CachedServer | null {
  return cachedServers(cacheDir).sort((one, other) => compareVersions(other.version, one.version))[0] ?? null;
}

/** Moves a program into the cache under the name of the version that it gives itself. A rename: others see all of it or nothing. */
export async function addToCache(cacheDir: string, program: string): Promise<{ path: string; version: Version }> {
  const version = await readVersion(program);
  const path = join(cacheDir, `nats-server-v${versionText(version)}`);
  // Archives bring the time of their making.
  markChecked({ path: program }, Date.now());
  renameSync(program, path);
  return { path, version };
}

export function markChecked(server: { path: string }, now: number): void {
  utimesSync(server.path, now / 1000, now / 1000);
}

/** Does work in a fresh folder within the cache (so that a rename out of it is atomic) and removes what is left of it. */
export async function inWorkFolder<Result>(cacheDir: string, work: (folder: string) => Promise<Result>): Promise<Result> {
  mkdirSync(cacheDir, { recursive: true });
  removeForgotten(cacheDir);
  const folder = mkdtempSync(join(cacheDir, WORK_PREFIX));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A process that is killed in the middle leaves its folder behind. */
function removeForgotten(cacheDir: string): void {
  for (const name of readdirSync(cacheDir).filter((entry) => entry.startsWith(WORK_PREFIX))) {
    const folder = join(cacheDir, name);
    const changedAt = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - changedAt > WORK_FORGOTTEN_MS) rmSync(folder, { recursive: true, force: true });
  }
}

function cachedServers(cacheDir: string): CachedServer[] {
  let names: string[];
  try {
    names = readdirSync(cacheDir);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const version = parseVersion(NAME.exec(name)?.[1] ?? "");
    const path = join(cacheDir, name);
    return version === null || !isExecutable(path) ? [] : [{ path, version, checkedAt: statSync(path).mtimeMs }];
  });
}
