/** The linter is fed one forbidden thing per rule, so that a rule which refuses nothing any more is noticed. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { BOUNDARIES, crossed } from "./boundaries";
import { SAMPLES } from "./lintSamples";
import { repoRoot } from "./repo";
import { SIZE_EXCEPTIONS } from "./sizes";

let folder: string;
let found: { filename: string; message: string; help?: string }[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tocsin-lint-"));
  for (const { file, code } of SAMPLES) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${code}\n`);
  }
  for (const file of [".oxlintrc.json", "tsconfig.json"]) copyFileSync(join(repoRoot, file), join(folder, file));
  symlinkSync(join(repoRoot, "node_modules"), join(folder, "node_modules"));
  mkdirSync(join(folder, "test/verify"), { recursive: true });
  for (const file of ["plugin.ts", "boundaries.ts", "names.ts", "sizes.ts"]) {
    copyFileSync(join(import.meta.dir, file), join(folder, "test/verify", file));
  }
  const oxlint = join(repoRoot, "node_modules/oxlint/bin/oxlint");
  const run = Bun.spawnSync([process.execPath, oxlint, "-f", "json", "src", "test"], { cwd: folder });
  const output = run.stdout.toString();
  if (!output.trimStart().startsWith("{")) throw new Error(`oxlint did not answer: ${output}${run.stderr.toString()}`);
  found = (JSON.parse(output) as { diagnostics: typeof found }).diagnostics;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the linter", () => {
  for (const { name, file, says } of SAMPLES) {
    test(says === null ? `lets through: ${name}` : `refuses: ${name}`, () => {
      const messages = found.filter(({ filename }) => filename === file).map(({ message }) => message);
      if (says === null) expect(messages).toEqual([]);
      else expect(messages.join("\n")).toContain(says);
    });
  }

  test("says why in words of its own, boundary by boundary", () => {
    for (const { name, reason } of BOUNDARIES) expect(reason.length, name).toBeGreaterThan(40);
  });

  test("knows a boundary only within src", () => {
    expect(crossed("test/x.test.ts", "../src/store/sqlite/open")).toBeNull();
    expect(crossed("src/ingest/x.ts", "../store/sqlite/open")).not.toBeNull();
  });

  test("excuses a size only with a reason, and only a file that is there", async () => {
    for (const { file, why } of SIZE_EXCEPTIONS) {
      expect(await Bun.file(join(repoRoot, file)).exists(), file).toBe(true);
      expect(why.length, file).toBeGreaterThan(40);
    }
  });
});
