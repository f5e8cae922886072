/** Who may import what: the tree is the architecture. Asked by the linter (plugin.ts), with each rule's reason as the message. */
import { dirname, join } from "node:path/posix";

/** An import as it stands in a file of `src`. Paths count from the root of the repo, without extension: "src/domain/decide". */
export interface Import {
  readonly file: string;
  /** A path for a file of ours, else the name of a package with what follows it ("node:fs", "drizzle-orm/better-sqlite3"). */
  readonly target: string;
}

export interface Boundary {
  readonly name: string;
  readonly refuses: (wanted: Import) => boolean;
  readonly reason: string;
  /** An import that it refuses; the test feeds it to the linter. */
  readonly sample: { readonly file: string; readonly code: string };
}

/** Folders beside each other: what one of them needs of another, `service.ts` hands over. */
const PEERS = ["cache", "http", "ingest", "jetstream", "live", "notifier", "partition"];

/** Packages that one place of `src` answers for. */
const PACKAGE_HOMES: readonly { readonly packages: readonly string[]; readonly homes: readonly string[]; readonly reason: string }[] = [
  {
    packages: ["drizzle-orm", "better-sqlite3", "pg"],
    homes: ["src/store"],
    reason: "databases are known to src/store alone; everybody else asks the port, src/store/store.ts",
  },
  {
    packages: ["@nats-io"],
    homes: ["src/jetstream"],
    reason: "the broker is known to src/jetstream alone; everybody else asks its port, src/jetstream/ports.ts",
  },
  {
    packages: ["elysia", "@elysiajs", "swagger-ui-dist"],
    homes: ["src/http"],
    reason: "Elysia is known to src/http alone, so that what it serves can be used and tested without a server",
  },
  {
    packages: ["ky"],
    homes: ["src/cli"],
    reason:
      "ky serves the command line's requests to our own API; strangers' addresses are for src/notifier/webhook alone, behind its guard",
  },
  {
    packages: ["commander"],
    homes: ["src/cli", "src/main"],
    reason: "the command line is read by src/cli and src/main.ts alone",
  },
  {
    packages: ["ioredis"],
    homes: ["src/cache"],
    reason: "Redis is known to src/cache alone, and holds nothing that cannot be rebuilt; everybody else declares the port that it needs",
  },
  {
    packages: ["jose"],
    homes: ["src/http"],
    reason: "who asks is found out by src/http alone, which takes or refuses what they show",
  },
  {
    packages: ["pino", "prom-client"],
    homes: ["src/telemetry"],
    reason: "logic holds no logger and no counter: tell src/telemetry/events.ts the fact",
  },
];

export const BOUNDARIES: readonly Boundary[] = [
  {
    name: "domain imports nobody of ours",
    refuses: ({ file, target }) => within(file, "src/domain") && isOurs(target) && !within(target, "src/domain"),
    reason: "the domain is imported by everyone and imports nobody: hand in what it needs as arguments",
    sample: { file: "src/domain/x.ts", code: 'import type { Store } from "../store/store";\nexport type X = Store;\n' },
  },
  {
    name: "domain does no I/O",
    refuses: ({ file, target }) => within(file, "src/domain") && !isOurs(target) && !within(target, "@sinclair/typebox"),
    reason: "the domain is pure, without I/O, clock or framework; of packages it takes @sinclair/typebox alone",
    sample: { file: "src/domain/x.ts", code: 'import { readFileSync } from "node:fs";\nexport const x = readFileSync;\n' },
  },
  {
    name: "drivers only by store/open",
    refuses: ({ file, target }) => isDriver(target) && !isDriver(file) && file !== "src/store/open" && !isFolderLock(file, target),
    reason: "the drivers are chosen by src/store/open.ts; everybody else asks the port, src/store/store.ts",
    sample: { file: "src/ingest/x.ts", code: 'import { openSqlite } from "../store/sqlite/open";\nexport const x = openSqlite;\n' },
  },
  {
    name: "store imports no peer",
    refuses: ({ file, target }) => within(file, "src/store") && peerOf(target) !== null,
    reason: "the store keeps what the domain decided and knows of nobody who asks it",
    sample: { file: "src/store/x.ts", code: 'import type { X } from "../ingest/ports";\nexport type Y = X;\n' },
  },
  {
    name: "peers do not import each other",
    refuses: ({ file, target }) => {
      const [from, to] = [peerOf(file), peerOf(target)];
      return from !== null && to !== null && from !== to && target !== "src/jetstream/ports";
    },
    reason: `${PEERS.join(", ")} do not import each other's insides: declare the small port that you need, src/service.ts connects them`,
    sample: { file: "src/notifier/x.ts", code: 'import type { X } from "../ingest/ports";\nexport type Y = X;\n' },
  },
  {
    name: "nobody imports the command line",
    refuses: ({ file, target }) => within(target, "src/cli") && !within(file, "src/cli") && file !== "src/main",
    reason: "the command line stands outside and looks in: only src/main.ts starts it",
    sample: { file: "src/http/x.ts", code: 'import { up } from "../cli/up";\nexport const x = up;\n' },
  },
  {
    name: "the service is started from outside",
    refuses: ({ file, target }) => target === "src/service" && !within(file, "src/cli") && file !== "src/main",
    reason: "src/service.ts connects the folders; a folder that needed it would need itself",
    sample: { file: "src/ingest/x.ts", code: 'import type { Service } from "../service";\nexport type X = Service;\n' },
  },
  {
    name: "the client stands alone",
    refuses: ({ file, target }) => within(file, "src/client") && !within(target, "src/client"),
    reason: "the client runs wherever its users do: it takes nothing of the service, and no package",
    sample: { file: "src/client/x.ts", code: 'import { Fault } from "../domain/fault";\nexport const x = Fault;\n' },
  },
  {
    name: "the service does not use the client",
    refuses: ({ file, target }) => within(target, "src/client") && !within(file, "src/client"),
    reason: "the client is for users; src/clientScript.ts hands it out as a file",
    sample: { file: "src/http/x.ts", code: 'import { createClient } from "../client/index";\nexport const x = createClient;\n' },
  },
  ...PACKAGE_HOMES.flatMap(({ packages, homes, reason }) =>
    packages.map((name) => ({
      name: `${name} only in ${homes.join(" and ")}`,
      refuses: ({ file, target }: Import) => within(target, name) && !homes.some((home) => within(file, home)),
      reason,
      sample: { file: "src/x.ts", code: `import * as x from "${name}";\nexport const y = x;\n` },
    })),
  ),
];

/** The first boundary that an import would cross, or null. `specifier` is what stands in the import; `file` counts from the root. */
export function crossed(file: string, specifier: string): Boundary | null {
  if (!within(file, "src")) return null;
  const from = withoutExtension(file);
  const target = specifier.startsWith(".") ? withoutExtension(join(dirname(from), specifier)) : specifier;
  return BOUNDARIES.find(({ refuses }) => refuses({ file: from, target })) ?? null;
}

function within(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function isOurs(target: string): boolean {
  return within(target, "src");
}

function isDriver(path: string): boolean {
  return within(path, "src/store/sqlite") || within(path, "src/store/postgres");
}

/** The data folder is locked by a database of its own. */
function isFolderLock(file: string, target: string): boolean {
  return file === "src/dataFolder" && target === "src/store/sqlite/fileLock";
}

function peerOf(path: string): string | null {
  return PEERS.find((peer) => within(path, `src/${peer}`)) ?? null;
}

function withoutExtension(path: string): string {
  return path.replace(/\.(ts|js)$/, "");
}
