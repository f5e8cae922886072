/** The data folder: one Tocsin each, and the record of the run that uses it. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Fault } from "./domain/fault";
import { commandLine, endProcess, isRunning } from "./processes";
import { type FileLock, lockFile } from "./store/sqlite/fileLock";

const LOCK_FILE = "lock.db";
const RUN_FILE = "run.json";
const ORPHAN_GRACE_MS = 5_000;
const COMMAND_CHARS_SHOWN = 100;

/** `run.json`: who uses the folder. What a killed run left in it leads the next one to the child that outlived it. */
export interface RunRecord {
  readonly pid: number;
  readonly natsPid: number | null;
  /** The configuration file that our nats-server is started with: its command line names it. */
  readonly natsConfig: string | null;
  /** Port numbers by what listens there: `nats`, `mqtt`. */
  readonly ports: Readonly<Record<string, number>>;
}

export interface DataFolder {
  /** Absolute. */
  readonly path: string;
  readonly run: RunRecord;
  /** Writes these fields into `run.json`, whole or not at all. */
  record(fields: Partial<Omit<RunRecord, "pid">>): void;
  /** Ends the nats-server that a killed run left behind, if it still runs and really is ours; resolves with its pid, else null. */
  endOrphan(): Promise<number | null>;
  /** Keeps a secret in a file of this name, readable by its owner alone (mode 0600), whole or not at all. */
  writeSecret(name: string, secret: string): void;
  /** Removes `run.json` and frees the lock. */
  release(): void;
  [Symbol.dispose](): void;
}

/**
 * Makes the folder if need be (mode 0700), proves that it can be written and locks it until `release` or the end of the process, however
 * it ends. Throws `Fault`: `unavailable` when it cannot be written, `conflict` when another Tocsin uses it.
 */
export function openDataFolder(path: string): DataFolder {
  const folder = resolve(path);
  const lock = makeAndLock(folder);
  try {
    return lockedFolder(folder, lock);
  } catch (error) {
    lock.release();
    throw unwritable(folder, error);
  }
}

function makeAndLock(folder: string): FileLock {
  let lock: FileLock | null;
  try {
    if (!existsSync(folder)) {
      mkdirSync(folder, { recursive: true });
      chmodSync(folder, 0o700);
    }
    const proof = join(folder, `.proof-${process.pid}`);
    writeFileSync(proof, "");
    rmSync(proof);
    lock = lockFile(join(folder, LOCK_FILE));
  } catch (error) {
    throw unwritable(folder, error);
  }
  if (lock === null) throw new Fault("conflict", `The data folder ${folder} is in use by ${holder(folder)}.`);
  return lock;
}

function lockedFolder(folder: string, lock: FileLock): DataFolder {
  const runFile = join(folder, RUN_FILE);
  // The orphan of the run before stays on record until it is known to be gone: this run may be killed, too.
  let run: RunRecord = { ...(readRun(runFile) ?? NO_RUN), pid: process.pid };
  let open = true;
  const record: DataFolder["record"] = (fields) => {
    run = { ...run, ...fields };
    writeWhole(runFile, `${JSON.stringify(run)}\n`);
  };
  const release = () => {
    if (!open) return;
    open = false;
    try {
      rmSync(runFile, { force: true });
    } finally {
      lock.release();
    }
  };
  record({});
  return {
    path: folder,
    get run() {
      return run;
    },
    record,
    async endOrphan() {
      const { natsPid, natsConfig } = run;
      const orphan = natsPid !== null && natsConfig !== null && isOurs(natsPid, natsConfig);
      if (orphan) await endProcess(natsPid, ORPHAN_GRACE_MS);
      record({ natsPid: null });
      return orphan ? natsPid : null;
    },
    writeSecret: (name, secret) => writeWhole(join(folder, name), `${secret}\n`),
    release,
    [Symbol.dispose]: release,
  };
}

const NO_RUN: RunRecord = { pid: 0, natsPid: null, natsConfig: null, ports: {} };

/** A pid may have been given to another program since: only the command line tells. */
function isOurs(natsPid: number, natsConfig: string): boolean {
  return isRunning(natsPid) && (commandLine(natsPid)?.includes(natsConfig) ?? false);
}

function holder(folder: string): string {
  const pid = readRun(join(folder, RUN_FILE))?.pid;
  if (pid === undefined || !isRunning(pid)) return "another process";
  const command = commandLine(pid);
  return command === null ? `process ${pid}` : `process ${pid} (${command.slice(0, COMMAND_CHARS_SHOWN)})`;
}

/** Null when there is none, or none that can be read: it is our own note, and a wrong one is worth no failed start. */
function readRun(file: string): RunRecord | null {
  try {
    const { pid, natsPid, natsConfig, ports } = JSON.parse(readFileSync(file, "utf8")) as Partial<RunRecord>;
    if (!isPid(pid)) return null;
    return {
      pid,
      natsPid: isPid(natsPid) ? natsPid : null,
      natsConfig: typeof natsConfig === "string" ? natsConfig : null,
      ports: ports ?? {},
    };
  } catch {
    return null;
  }
}

function isPid(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}

function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function unwritable(folder: string, cause: unknown): Fault {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Fault("unavailable", `The data folder ${folder} cannot be written: ${reason}`, { cause });
}
