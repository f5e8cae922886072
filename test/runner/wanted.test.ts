import { expect, test } from "bun:test";
import { repoRoot } from "../verify/repo";
import { filesWanted } from "./wanted";

const us = "test/runner/wanted.test.ts";

test("without words all test files are wanted", () => {
  expect(filesWanted(repoRoot, [])).toContain(us);
});

test("a word wants the files whose path contains it, a path the file or folder itself", () => {
  expect(filesWanted(repoRoot, ["runner/want"])).toEqual([us]);
  expect(filesWanted(repoRoot, [`./${us}`])).toEqual([us]);
  expect(filesWanted(repoRoot, ["./test/runner"])).toContain(us);
  expect(filesWanted(repoRoot, ["nowhere"])).toEqual([]);
});

test("nobody can say which files flags want", () => {
  expect(filesWanted(repoRoot, ["-t", "late"])).toBeNull();
});
