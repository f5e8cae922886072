import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BinarySearch } from "../../../src/jetstream/embedded/found";

/** A temporary folder with places for other people's programs, and a search that looks nowhere else. */
export interface SearchGround extends Disposable {
  readonly root: string;
  /** Stands for PATH. */
  readonly bin: string;
  /** Stands for /usr/sbin. */
  readonly sbin: string;
  readonly cacheDir: string;
  readonly said: string[];
  readonly search: BinarySearch;
}

export function searchGround(overrides: Partial<BinarySearch> = {}): SearchGround {
  const root = mkdtempSync(join(tmpdir(), "tocsin-search-"));
  const [bin, sbin, cacheDir] = [join(root, "bin"), join(root, "sbin"), join(root, "cache")];
  mkdirSync(bin);
  mkdirSync(sbin);
  const said: string[] = [];
  const nowhere = { version: [9, 9, 9], sha256: {} } as const;
  const search: BinarySearch = {
    binary: null,
    releaseBase: "http://127.0.0.1:1",
    release: nowhere,
    cacheDir,
    say: (line) => void said.push(line),
    path: bin,
    systemDirs: [sbin],
    ...overrides,
  };
  return { root, bin, sbin, cacheDir, said, search, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

/** An executable that says it is a nats-server of this version. */
export function putServer(folder: string, version: string, name = "nats-server"): string {
  return putProgram(folder, name, `echo "nats-server: v${version}"`);
}

/** A shell script. */
export function putProgram(folder: string, name: string, script: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Makes programs of this machine available on the ground's PATH. */
export function lend(ground: SearchGround, ...programs: string[]): void {
  for (const program of programs) symlinkSync(Bun.which(program) ?? "", join(ground.bin, program));
}
