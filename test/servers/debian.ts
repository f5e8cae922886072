/** Programs out of Debian's packages, unpacked and never installed: installing them would start a service. */
import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { readConfig } from "../../src/config";
import { inWorkFolder } from "../../src/jetstream/embedded/cache";
import { runCommand } from "../../src/jetstream/embedded/command";

const GET_MS = 5 * 60_000;

export interface UnpackedProgram {
  readonly path: string;
  /** Where the libraries lie that this machine lacks. */
  readonly env: Readonly<Record<string, string>>;
}

/** The one that is there, else out of the package of its name, with every package that it needs and this machine lacks. */
export async function debianProgram(name: string): Promise<UnpackedProgram> {
  const there = Bun.which(name, { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` });
  if (there !== null) return { path: there, env: {} };
  const folder = join(cacheDir(), "debian", name);
  if (!existsSync(folder)) await unpack(name, folder);
  return { path: join(folder, "usr/sbin", name), env: { LD_LIBRARY_PATH: libraryFolders(folder).join(":") } };
}

async function unpack(name: string, folder: string): Promise<void> {
  await inWorkFolder(dirname(folder), async (work) => {
    const archives = join(work, "archives");
    mkdirSync(join(archives, "partial"), { recursive: true });
    const into = ["-o", "Debug::NoLocking=1", "-o", `Dir::Cache::archives=${archives}`];
    const download = ["apt-get", "install", "-y", "-q", "--download-only", "--no-install-recommends", ...into, name];
    // A fresh image has no package lists.
    if (!(await runCommand(download, { timeoutMs: GET_MS })).ok) {
      await demand(["apt-get", "-q", "update"]);
      await demand(download);
    }
    const unpacked = join(work, "unpacked");
    for (const archive of readdirSync(archives).filter((file) => file.endsWith(".deb"))) {
      await demand(["dpkg-deb", "-x", join(archives, archive), unpacked]);
    }
    // A rename: others see all of it or nothing.
    if (!existsSync(folder)) renameSync(unpacked, folder);
  });
}

function libraryFolders(folder: string): string[] {
  const libraries = [...new Bun.Glob("**/*.so*").scanSync({ cwd: folder, onlyFiles: false })];
  return [...new Set(libraries.map((file) => join(folder, dirname(file))))];
}

async function demand(words: readonly string[]): Promise<void> {
  const { ok, reason } = await runCommand(words, { timeoutMs: GET_MS });
  if (!ok) throw new Error(`${words.slice(0, 2).join(" ")}: ${reason}; install it by hand so that it is on the PATH`);
}

function cacheDir(): string {
  const { nats } = readConfig({ ...process.env, NATS_URL: "", DATABASE_URL: "" }).config;
  if (nats.kind !== "embedded") throw new Error("without NATS_URL the broker is embedded");
  return nats.cacheDir;
}
