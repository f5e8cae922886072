/** Steps of the search that use a package tool of the machine. None of them installs a service. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { PINNED_RELEASE } from "./archive";
import { addToCache, inWorkFolder } from "./cache";
import { runCommand } from "./command";
import { type BinarySearch, need, readVersion, STEP_MS, StepFailed } from "./found";
import { versionText } from "./version";

const GO_STEP_MS = 5 * 60_000;

/** Builds the pinned version from its Go module. The module system checks the sources against its checksum database. */
export async function buildWithGo(search: BinarySearch) {
  const go = need(search, "go");
  const source = `github.com/nats-io/nats-server/v2@v${versionText(PINNED_RELEASE.version)}`;
  search.say(`building ${source} with Go (a few minutes at most)`);
  return inWorkFolder(search.cacheDir, async (folder) => {
    // `env` sets the variables, because GOBIN has no flag; without cgo no C compiler is needed.
    const words = ["env", `GOBIN=${folder}`, "CGO_ENABLED=0", go, "install", source];
    await demand(words, { timeoutMs: GO_STEP_MS });
    return addToCache(search.cacheDir, join(folder, "nats-server"));
  });
}

/** Takes the server out of Debian's package. Installing the package would start a service on our port. */
export async function unpackDebian(search: BinarySearch) {
  const apt = need(search, "apt-get");
  const dpkg = need(search, "dpkg-deb");
  search.say("unpacking Debian's package nats-server");
  const deadline = performance.now() + STEP_MS;
  return inWorkFolder(search.cacheDir, async (folder) => {
    const run = (words: readonly string[]) => runCommand(words, { timeoutMs: Math.max(1, deadline - performance.now()), cwd: folder });
    const fetchPackage = () => run([apt, "-q", "download", "nats-server"]);
    let fetched = await fetchPackage();
    if (!fetched.ok) {
      // A fresh image has no package lists; they need root, and when they cannot be had the download's own reason is the better one.
      const lists = await run([apt, "-q", "update"]);
      if (lists.ok) fetched = await fetchPackage();
    }
    if (!fetched.ok) throw new StepFailed(fetched.reason);
    const archive = readdirSync(folder).find((name) => name.endsWith(".deb"));
    if (archive === undefined) throw new StepFailed("apt-get download left no package");
    const unpacked = await run([dpkg, "-x", archive, "unpacked"]);
    if (!unpacked.ok) throw new StepFailed(unpacked.reason);
    return addToCache(search.cacheDir, join(folder, "unpacked", "usr", "sbin", "nats-server"));
  });
}

/** Homebrew's formula is a program, not a running service. */
export async function installWithBrew(search: BinarySearch) {
  const brew = need(search, "brew");
  search.say("installing nats-server with Homebrew");
  await demand(["env", "HOMEBREW_NO_AUTO_UPDATE=1", brew, "install", "nats-server"], { timeoutMs: STEP_MS });
  const prefix = await demand([brew, "--prefix", "nats-server"], { timeoutMs: STEP_MS });
  const path = join(prefix.trim().split("\n").at(-1) ?? "", "bin", "nats-server");
  return { path, version: await readVersion(path) };
}

async function demand(words: readonly string[], options: { timeoutMs: number }): Promise<string> {
  const result = await runCommand(words, options);
  if (!result.ok) throw new StepFailed(result.reason);
  return result.output;
}
