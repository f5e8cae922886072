import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../src/domain/fault";
import { KEY_FILE, makeKeyFile, readKeyFile } from "../../src/vault/keyFile";
import { newSealingKeyText } from "../../src/vault/sealingKey";
import { temporaryFolder } from "../store/sqlite/harness";

describe("the data folder's own key", () => {
  test("is its owner's alone, and the same when it is read again", () => {
    using folder = temporaryFolder();
    expect(readKeyFile(folder.path)).toBeNull();
    const made = makeKeyFile(folder.path);
    expect(readKeyFile(folder.path)?.id).toBe(made.id);
    expect(statSync(join(folder.path, KEY_FILE)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder.path)).toEqual([KEY_FILE]);
  });

  test("is never overwritten", () => {
    using folder = temporaryFolder();
    makeKeyFile(folder.path);
    const before = readFileSync(join(folder.path, KEY_FILE), "utf8");
    expect(() => makeKeyFile(folder.path)).toThrow(Fault);
    expect(readFileSync(join(folder.path, KEY_FILE), "utf8")).toBe(before);
  });

  test("takes no harm from a draft that a killed start left behind", () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, `${KEY_FILE}.new`), "half a k", { mode: 0o644 });
    const made = makeKeyFile(folder.path);
    expect(readKeyFile(folder.path)?.id).toBe(made.id);
    expect(readdirSync(folder.path)).toEqual([KEY_FILE]);
  });

  test("that others may read is refused, with what to do", () => {
    using folder = temporaryFolder();
    makeKeyFile(folder.path);
    for (const mode of [0o640, 0o604, 0o666]) {
      chmodSync(join(folder.path, KEY_FILE), mode);
      expect(() => readKeyFile(folder.path)).toThrow(/chmod 600/);
    }
  });

  test("that is no key, or cannot be read, is refused by its path, without what is in it", () => {
    using folder = temporaryFolder();
    const file = join(folder.path, KEY_FILE);
    const spoilt = `${newSealingKeyText()}x`;
    writeFileSync(file, spoilt, { mode: 0o600 });
    expect(() => readKeyFile(folder.path)).toThrow(`${file} cannot be read: it holds no key`);
    try {
      readKeyFile(folder.path);
    } catch (error) {
      expect(String(error)).not.toContain(spoilt);
    }
    using another = temporaryFolder();
    mkdirSync(join(another.path, KEY_FILE), { mode: 0o700 });
    expect(() => readKeyFile(another.path)).toThrow("cannot be read");
  });
});
