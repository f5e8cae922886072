/** What must not stand in the repo, as functions of the text: each gives what it found, and nothing when all is well. */

/** `bun.lock` names packages and their sums; an address would send everybody to the registry of whoever wrote it. */
export function addressesIn(lock: string): string[] {
  return lock
    .split("\n")
    .filter((line) => /\b(?:git\+)?(?:https?|ssh|git|file):\/*/.test(line))
    .map((line) => line.trim());
}

/** Hosts of package registries: which one is used is a matter of the machine. */
export function registryHostsIn(text: string, configured: string | undefined): string[] {
  const known = /\bregistry\.[a-z0-9.-]+\.(?:org|com|net|io|dev|cloud|local|internal)\b/g;
  const ours = configured === undefined ? [] : [...text.matchAll(new RegExp(RegExp.escape(new URL(configured).host), "g"))];
  return [...text.matchAll(known), ...ours].map(([host]) => host);
}

/** Places where the checkout of whoever wrote this lay. `root` is ours; too short a one would be found in any path. */
export function machinePathsIn(text: string, root: string): string[] {
  const homes = /(?<![\w.~-])\/(?:home|Users)\/[a-z][\w.-]*/g;
  const roots = root.split("/").length > 2 ? [...text.matchAll(new RegExp(`(?<![\\w.-])${RegExp.escape(root)}(?![\\w.-])`, "g"))] : [];
  return [...text.matchAll(homes), ...roots].map(([path]) => path);
}

const MIGRATION = /(?:^|\/)\d{4}_(?:create|add|drop|rename|change|fill|index|keep|move|split|widen|remove)_[a-z0-9_]+\.sql$/;

/** Migrations are named by what they do; left alone, drizzle-kit names them after an adjective and a hero. */
export function namelessMigrations(files: readonly string[]): string[] {
  return files.filter((file) => file.endsWith(".sql") && !MIGRATION.test(file));
}

/** Bun's lock file is the only one: with two, nobody knows which one holds. */
export function otherLockFiles(files: readonly string[]): string[] {
  return files.filter((file) => /(?:^|\/)(?:yarn\.lock|pnpm-lock\.yaml|npm-shrinkwrap\.json|bun\.lockb)$/.test(file));
}
