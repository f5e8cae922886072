import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readJunit } from "./junit";

/** What a run of these test files leaves behind, by the runner itself. */
async function resultsOf(files: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-junit-"));
  try {
    for (const [name, body] of Object.entries(files)) {
      writeFileSync(join(folder, name), `import { beforeAll, describe, expect, test } from "bun:test";\n${body}`);
    }
    const child = Bun.spawn([process.execPath, "test", "--timeout=200", "--reporter=junit", "--reporter-outfile=junit.xml"], {
      cwd: folder,
      stdio: ["ignore", "ignore", "ignore"],
    });
    const code = await child.exited;
    return { code, ...readJunit(await Bun.file(join(folder, "junit.xml")).text()) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("what passed is counted, by file", async () => {
  const { code, passed, failures, files } = await resultsOf({
    "a.test.ts": 'test("one", () => {});',
    "b.test.ts": 'test("two", () => {});',
  });
  expect({ code, passed, failures }).toEqual({ code: 0, passed: 2, failures: [] });
  expect([...files].sort()).toEqual(["a.test.ts", "b.test.ts"]);
});

test("what failed is named with its file, line, suites and reason", async () => {
  const { code, passed, failures } = await resultsOf({
    "a.test.ts": [
      'describe("a <b>", () => {',
      '  describe("c", () => {',
      "    test('says \"d\"', () => { expect(1).toBe(2); });",
      '    test("f", () => {});',
      "  });",
      "});",
    ].join("\n"),
  });
  expect({ code, passed }).toEqual({ code: 1, passed: 1 });
  expect(failures).toEqual([{ file: "a.test.ts", line: 4, name: 'a <b> > c > says "d"', reason: "expect(received).toBe(expected)" }]);
});

test("a test that does not end, and a set-up that fails, are failures", async () => {
  const { failures } = await resultsOf({
    "a.test.ts": 'test("waits", () => new Promise(() => {}));',
    "b.test.ts": 'beforeAll(() => { throw new Error("no ground"); });\ntest("stands", () => {});',
  });
  expect(failures.map(({ file, reason }) => `${file}: ${reason}`).sort()).toEqual(["a.test.ts: test timed out", "b.test.ts: no ground"]);
});

test("what was left out is neither passed nor failed", async () => {
  const left = ["sk", "ip"].join("");
  const { passed, failures, skipped } = await resultsOf({ "a.test.ts": `test.${left}("one", () => {});\ntest("two", () => {});` });
  expect({ passed, failures, skipped }).toEqual({ passed: 1, failures: [], skipped: ["a.test.ts: one"] });
});

test("a file that could not be read shows up nowhere, so that run.ts must look for it", async () => {
  const { code, files } = await resultsOf({ "a.test.ts": 'import "./nowhere";', "b.test.ts": 'test("one", () => {});' });
  expect({ code, files: [...files] }).toEqual({ code: 1, files: ["b.test.ts"] });
});

test("nothing was said by a runner that died", () => {
  expect(readJunit("")).toEqual({ passed: 0, failures: [], skipped: [], files: new Set() });
});
