import { describe, expect, test } from "bun:test";
import { anchorsOf, brokenJson, citedPaths, linkedPaths, namedScripts } from "./docs";
import { inRepo, readRepoFile, repoFiles } from "./repo";

const REQUIRED = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/webhooks.md"];
const DOCUMENTS = [...new Set([...REQUIRED, ...repoFiles("*.md"), ...repoFiles("docs/**/*.md")])];
const TOP_FOLDERS = ["src", "test", "bench", "bin", "docs", "drizzle", "chaos", "k8s", ".ci"];
const { scripts } = JSON.parse(readRepoFile("package.json")) as { scripts: Record<string, string> };

function leadsSomewhere(path: string): boolean {
  if (/[*?]/.test(path)) return repoFiles(path).length > 0;
  return inRepo(path);
}

describe.each(DOCUMENTS)("%s", (file) => {
  test("is there", () => {
    expect(inRepo(file)).toBe(true);
  });

  test("cites paths that exist", () => {
    expect(citedPaths(readRepoFile(file), TOP_FOLDERS).filter((path) => !leadsSomewhere(path))).toEqual([]);
  });

  test("links to files and headings that exist", () => {
    const broken = linkedPaths(readRepoFile(file), file).filter((target) => {
      const [path = "", anchor] = target.split("#");
      return !inRepo(path) || (anchor !== undefined && !anchorsOf(readRepoFile(path)).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  test("shows JSON that is JSON", () => {
    expect(brokenJson(readRepoFile(file))).toEqual([]);
  });

  test("names scripts that package.json has", () => {
    expect(namedScripts(readRepoFile(file)).filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe("what CI runs", () => {
  test("is npm test, and nothing that README does not name", () => {
    const run = namedScripts(readRepoFile(".ci/run"));
    expect(run).toContain("test");
    const named = namedScripts(readRepoFile("README.md"));
    expect(run.filter((name) => !named.includes(name))).toEqual([]);
  });
});

describe("a document", () => {
  const markdown = [
    "# The *map* · of `src`",
    "See `src/nowhere.ts`, `test/verify/`, `plan.ts`, `src/**/*.sql`, `src/<id>/x`, `/v1/sensors`, `npm start`, `a/b`.",
    "[one](docs/nowhere.md#there) [two](https://example.com/x.md) [three](#here)",
    "```json",
    '{"a": 1, …}',
    "```",
    "```sh",
    "`src/inAFence.ts`; npm run nowhere",
    "```",
  ].join("\n");

  test("that cites a path which is gone would be noticed", () => {
    expect(citedPaths(markdown, TOP_FOLDERS)).toEqual(["src", "src/nowhere.ts", "test/verify", "plan.ts", "src/**/*.sql"]);
    expect(["src/nowhere.ts", "plan.ts", "src/**/*.sql"].filter(leadsSomewhere)).toEqual([]);
  });

  test("that links to what is gone would be noticed", () => {
    expect(linkedPaths(markdown, "docs/x.md")).toEqual(["docs/docs/nowhere.md#there", "docs/x.md#here"]);
    expect(anchorsOf(markdown)).toEqual(["the-map--of-src"]);
  });

  test("with JSON that is none would be noticed", () => {
    expect(brokenJson(markdown)).toHaveLength(1);
    expect(brokenJson('```json\n{"a": 1}\n```')).toEqual([]);
  });

  test("with a script that is gone would be noticed", () => {
    expect(namedScripts(markdown)).toEqual(["start", "nowhere"]);
    expect(namedScripts("npm test, npm run bench -- x, npm install")).toEqual(["test", "bench"]);
  });
});
