/** The versions of nats-server that the main path is tried on, however the one was found that all other tests take. */
import { join } from "node:path";
import { fetchRelease, PINNED_RELEASE } from "../../src/jetstream/embedded/archive";
import { newestCached } from "../../src/jetstream/embedded/cache";
import { type BinarySearch, NotThere, readVersion, StepFailed } from "../../src/jetstream/embedded/found";
import { buildWithGo, unpackDebian } from "../../src/jetstream/embedded/packaged";
import { type Version, versionText } from "../../src/jetstream/embedded/version";
import { natsSearch, testNatsBinary } from "./natsServer";

/** Set for the tests' processes once they were looked for; empty where there is none. */
export const FLOOR_VARIABLE = "TOCSIN_TEST_NATS_FLOOR";
export const PINNED_VARIABLE = "TOCSIN_TEST_NATS_PINNED";

export interface NatsVersion {
  readonly path: string;
  /** Such as "2.14.5". */
  readonly version: string;
}

/** Debian's version, which is the oldest that we run on, and the release that we pin; where neither can be had, the one that is there. */
export async function natsVersions(): Promise<readonly NatsVersion[]> {
  const paths = [await known(FLOOR_VARIABLE, floorNats), await known(PINNED_VARIABLE, pinnedNats)].filter((path) => path !== null);
  const versions = await Promise.all((paths.length === 0 ? [await testNatsBinary()] : paths).map(versionAt));
  return versions.filter(({ version }, index) => versions.findIndex((other) => other.version === version) === index);
}

async function known(variable: string, find: () => Promise<string | null>): Promise<string | null> {
  const path = process.env[variable];
  return path === undefined ? find() : path || null;
}

async function versionAt(path: string): Promise<NatsVersion> {
  return { path, version: versionText(await readVersion(path)) };
}

/**
 * Debian's package, unpacked into a cache of its own: in the service's, an old server would pass for what was got for want of a better one.
 * Null where there is no apt-get; throws where it fails, because a Debian that cannot get it would leave the floor untested unseen.
 */
export async function floorNats(): Promise<string | null> {
  const search = natsSearch();
  const debian: BinarySearch = { ...search, cacheDir: join(search.cacheDir, "debian") };
  const cached = newestCached(debian.cacheDir);
  if (cached !== null) return cached.path;
  try {
    return (await unpackDebian(debian)).path;
  } catch (error) {
    if (error instanceof NotThere) return null;
    throw error;
  }
}

/** The pinned release: what the other tests take if it is that one, else the cache's, the release archive or Go's; null where none can be had. */
export async function pinnedNats(): Promise<string | null> {
  const search = natsSearch();
  for (const path of [await testNatsBinary(), newestCached(search.cacheDir)?.path])
    if (path !== undefined && isPinned(await readVersion(path))) return path;
  for (const get of [fetchRelease, buildWithGo]) {
    try {
      return (await get(search)).path;
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      search.say(`nats-server ${versionText(PINNED_RELEASE.version)}: ${error.message}`);
    }
  }
  return null;
}

function isPinned(version: Version): boolean {
  return versionText(version) === versionText(PINNED_RELEASE.version);
}
