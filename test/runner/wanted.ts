/** Which test files a run is about, as `bun test` understands its words: any file whose path contains one of them. */
import { Glob } from "bun";
import { relative, resolve } from "node:path";

/** From the root, in order; null when flags choose among the tests, so that nobody can say which files must show up. */
export function filesWanted(root: string, args: readonly string[]): string[] | null {
  if (args.some((arg) => arg.startsWith("-"))) return null;
  const files = [...new Glob("test/**/*.test.ts").scanSync({ cwd: root })].sort();
  if (args.length === 0) return files;
  return files.filter((file) => args.some((arg) => matches(file, arg, root)));
}

function matches(file: string, arg: string, root: string): boolean {
  if (!/^\.{0,2}\//.test(arg)) return file.includes(arg);
  const path = relative(root, resolve(root, arg));
  return file === path || file.startsWith(`${path}/`);
}
