/** The files of this repo as they lie on the disk. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const repoRoot = resolve(import.meta.dir, "../..");

/** Folders that no clone holds. */
const NOT_OURS = new Set(["node_modules", ".git", ".tmp", "data", "coverage", "dist"]);

/** Paths from the root, of all files or of those that match a pattern, in order. */
export function repoFiles(pattern = "**"): string[] {
  const glob = new Bun.Glob(pattern);
  return filesIn("")
    .filter((file) => glob.match(file))
    .sort();
}

export function readRepoFile(file: string): string {
  return readFileSync(join(repoRoot, file), "utf8");
}

export function inRepo(path: string): boolean {
  return existsSync(join(repoRoot, path));
}

function filesIn(folder: string): string[] {
  return readdirSync(join(repoRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });
}
