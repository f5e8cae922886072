/** Finds a nats-server on this machine, or gets one. */
import { join, resolve } from "node:path";
import { Fault } from "../../domain/fault";
import { fetchRelease, PINNED_RELEASE } from "./archive";
import { markChecked, newestCached } from "./cache";
import { SAFE_VERSION } from "./conf";
import { type BinarySearch, isExecutable, type NatsBinary, NotThere, readVersion, StepFailed, which } from "./found";
import { buildWithGo, installWithBrew, unpackDebian } from "./packaged";
import { atLeast, versionText } from "./version";

/** So long a cached server that is older than we would like serves before a better one is looked for again. */
const OLD_SERVES_MS = 24 * 3600 * 1000;

interface Step {
  readonly source: string;
  /** Throws {@link StepFailed} with the reason why it comes to nothing. */
  readonly take: (search: BinarySearch) => Promise<Omit<NatsBinary, "source">>;
}

/** What is there and good, what can be fetched or built, and only then what is old. */
const STEPS: readonly Step[] = [
  { source: "PATH", take: (search) => installed(search, { old: false }) },
  { source: "cache", take: (search) => cached(search, { old: false }) },
  { source: "release archive", take: fetchRelease },
  { source: "go install", take: buildWithGo },
  { source: "PATH, old", take: (search) => installed(search, { old: true }) },
  { source: "cache, old", take: (search) => cached(search, { old: true }) },
  { source: "Debian's package", take: unpackDebian },
  { source: "Homebrew", take: installWithBrew },
];

/**
 * The first nats-server in the order above. One that was named (`binary`) is taken or refused, without another try. Throws `Fault`
 * (`unavailable`) with each step's reason and what to do by hand.
 */
export async function findNatsServer(search: BinarySearch): Promise<NatsBinary> {
  if (search.binary !== null) return named(search.binary);
  const reasons: string[] = [];
  for (const { source, take } of STEPS) {
    try {
      return { ...(await take(search)), source };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      reasons.push(`  ${source}: ${reason}`);
      if (!(error instanceof NotThere)) search.say(`${source}: ${reason}`);
    }
  }
  throw new Fault("unavailable", `No nats-server could be had:\n${reasons.join("\n")}\n${BY_HAND}`);
}

const BY_HAND = `Install nats-server ${versionText(SAFE_VERSION)} or later (best ${versionText(PINNED_RELEASE.version)}) so that it is on PATH, or name it in NATS_SERVER_BIN; or set NATS_URL to a server that runs already.`;

async function named(name: string): Promise<NatsBinary> {
  const path = resolve(name);
  try {
    return { path, version: await readVersion(path), source: "NATS_SERVER_BIN" };
  } catch (error) {
    throw new Fault("unavailable", `NATS_SERVER_BIN: ${(error as Error).message}`, { cause: error });
  }
}

async function installed(search: BinarySearch, { old }: { old: boolean }) {
  const reasons: string[] = [];
  for (const path of installedPaths(search)) {
    try {
      const version = await readVersion(path);
      if (old || atLeast(version, SAFE_VERSION)) return { path, version };
      reasons.push(`${path} is ${versionText(version)}, older than ${versionText(SAFE_VERSION)}`);
    } catch (error) {
      reasons.push((error as Error).message);
    }
  }
  if (reasons.length === 0) throw new NotThere("there is none");
  throw old ? new NotThere(reasons.join("; ")) : new StepFailed(reasons.join("; "));
}

function installedPaths(search: BinarySearch): string[] {
  const system = (search.systemDirs ?? ["/usr/sbin"]).map((folder) => join(folder, "nats-server")).filter(isExecutable);
  return [...new Set([which(search, "nats-server"), ...system])].filter((path) => path !== null);
}

async function cached(search: BinarySearch, { old }: { old: boolean }) {
  const server = newestCached(search.cacheDir);
  if (server === null) throw new NotThere("there is none");
  const now = Date.now();
  const wanted = atLeast(server.version, SAFE_VERSION) || old || now - server.checkedAt < OLD_SERVES_MS;
  if (!wanted) throw new NotThere(`${versionText(server.version)} is older than ${versionText(SAFE_VERSION)}`);
  const version = await readVersion(server.path);
  if (old) markChecked(server, now);
  return { path: server.path, version };
}
