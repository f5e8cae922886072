import { closeSync, fstatSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../domain/fault";
import { newSealingKeyText, parseSealingKey, type SealingKey } from "./sealingKey";

export const KEY_FILE = "secrets.key";
const OTHERS = 0o077;

/** The key that this data folder made for itself; null when it has none. Throws `Fault` (unavailable) when it cannot be trusted or read. */
export function readKeyFile(folder: string): SealingKey | null {
  const file = join(folder, KEY_FILE);
  let opened: number;
  try {
    opened = openSync(file, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw unreadable(file, (error as Error).message);
  }
  try {
    const { mode } = fstatSync(opened);
    if ((mode & OTHERS) !== 0) {
      throw new Fault("unavailable", `${file}: others than its owner may use it (mode ${(mode & 0o777).toString(8)}); chmod 600 it.`);
    }
    const key = parseSealingKey(readFileSync(opened, "utf8").trim());
    if (key === null) throw unreadable(file, "it holds no key of 32 bytes in base64");
    return key;
  } catch (error) {
    throw error instanceof Fault ? error : unreadable(file, (error as Error).message);
  } finally {
    closeSync(opened);
  }
}

/** Makes a key and its file, readable by its owner alone. It is on the disk when this returns, or there is none; one that is there stays. */
export function makeKeyFile(folder: string): SealingKey {
  const text = newSealingKeyText();
  const file = join(folder, KEY_FILE);
  const draft = `${file}.new`;
  try {
    rmSync(draft, { force: true });
    const opened = openSync(draft, "wx", 0o600);
    try {
      writeSync(opened, `${text}\n`);
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
    // Unlike a rename, a link never takes the place of a file that is there.
    linkSync(draft, file);
    rmSync(draft);
    syncFolder(folder);
  } catch (error) {
    throw new Fault("unavailable", `${file} cannot be made: ${(error as Error).message}`, { cause: error });
  }
  return parseSealingKey(text) as SealingKey;
}

function syncFolder(folder: string): void {
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

function unreadable(file: string, why: string): Fault {
  return new Fault("unavailable", `${file} cannot be read: ${why}. It is the key to the webhooks' secrets.`);
}
