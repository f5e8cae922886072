/** What a search for a nats-server starts from, and what it finds. */
import { accessSync, constants, statSync } from "node:fs";
import { runCommand } from "./command";
import { parseVersion, type Version } from "./version";

export interface BinarySearch {
  /** NATS_SERVER_BIN; null looks for one. */
  readonly binary: string | null;
  /** Release archives lie under `<releaseBase>/v<version>/`. */
  readonly releaseBase: string;
  /** Ours alone; made when missing. */
  readonly cacheDir: string;
  /** Told each step in a line. */
  readonly say: (line: string) => void;
  /** Where programs are looked for, in the form of PATH; left out, the process's own. */
  readonly path?: string;
  /** Folders that hold servers' programs but are on few users' PATH; left out, /usr/sbin. */
  readonly systemDirs?: readonly string[];
  /** Left out, the official release that is pinned. */
  readonly release?: Release;
  /** How long a download may take until its first byte; left out, 6 s: a start without a network must not hang. */
  readonly firstAnswerMs?: number;
}

/** A release archive: its version and the SHA-256 (hex) of the tar.gz by platform, such as "linux-amd64". */
export interface Release {
  readonly version: Version;
  readonly sha256: Readonly<Record<string, string>>;
}

export interface NatsBinary {
  readonly path: string;
  readonly version: Version;
  /** Where it comes from, for people: "PATH", "cache", … */
  readonly source: string;
}

/** A step of the search that came to nothing; the message is its reason, in one line. */
export class StepFailed extends Error {
  override readonly name = "StepFailed";
}

/** A place that was looked at and is empty: worth a line in the final error, not one of its own. */
export class NotThere extends StepFailed {}

export const STEP_MS = 60_000;
const VERSION_MS = 10_000;

/** Asks a program for its version; throws {@link StepFailed} when it cannot be run or is no nats-server. */
export async function readVersion(path: string): Promise<Version> {
  if (!isExecutable(path)) throw new StepFailed(`${path} is not an executable file`);
  const { ok, output, reason } = await runCommand([path, "--version"], { timeoutMs: VERSION_MS });
  if (!ok) throw new StepFailed(`${path} --version failed: ${reason}`);
  const version = /nats-server/i.test(output) ? parseVersion(output) : null;
  if (version === null) throw new StepFailed(`${path} is no nats-server: its --version says "${output.trim().slice(0, 80)}"`);
  return version;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Where a program lies, or null. */
export function which(search: BinarySearch, program: string): string | null {
  return Bun.which(program, search.path === undefined ? undefined : { PATH: search.path });
}

/** The same for a program that a step cannot do without. */
export function need(search: BinarySearch, program: string): string {
  const path = which(search, program);
  if (path === null) throw new NotThere(`${program} is not on this machine`);
  return path;
}
