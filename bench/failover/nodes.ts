/** The service as several processes on one database and one broker. */
import { resolve } from "node:path";
import type { LeasedRole, PartitionStatus } from "../../src/store/store";
import { newSealingKeyText } from "../../src/vault/sealingKey";
import { freePort } from "../broker";

const READY_MS = 60_000;
const BALANCED_MS = 60_000;
const LOOK_MS = 50;
const ROLES: readonly LeasedRole[] = ["ingest", "notify"];
export const ADMIN_TOKEN = "bench-admin-token";
const SECRETS_KEY = newSealingKeyText();

export interface NodeSettings {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly partitions: number;
  readonly dir: string;
  /** As the environment names them; all of them without it. */
  readonly roles?: string;
}

export class ServiceNode {
  #child: Bun.Subprocess | null = null;

  private constructor(
    private readonly settings: NodeSettings,
    private readonly port: number,
  ) {}

  static async prepare(settings: NodeSettings): Promise<ServiceNode> {
    return new ServiceNode(settings, await freePort());
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Of the process that runs. */
  get pid(): number {
    if (this.#child === null) throw new Error("the node does not run");
    return this.#child.pid;
  }

  async start(): Promise<void> {
    const { databaseUrl, natsUrl, partitions, dir, roles = "" } = this.settings;
    const child = Bun.spawn([process.execPath, "--no-env-file", resolve(import.meta.dir, "../../src/main.ts"), "serve"], {
      env: {
        ...process.env,
        DATABASE_URL: databaseUrl,
        NATS_URL: natsUrl,
        PARTITIONS: String(partitions),
        DATA_DIR: dir,
        HTTP_HOST: "127.0.0.1",
        HTTP_PORT: String(this.port),
        ROLES: roles,
        ADMIN_TOKEN,
        SECRETS_KEY,
        LOG_LEVEL: "error",
      },
      stdout: "ignore",
      stderr: "inherit",
    });
    this.#child = child;
    const deadline = performance.now() + READY_MS;
    while (!(await this.#isReady())) {
      if (child.exitCode !== null) throw new Error(`a node ended with exit code ${child.exitCode} before it was ready`);
      if (performance.now() > deadline) throw new Error("a node did not become ready");
      await Bun.sleep(LOOK_MS);
    }
  }

  /** What it owns by the names that nodes give themselves: host, pid and a part by chance. */
  owns({ owner }: PartitionStatus): boolean {
    return owner !== null && this.#child !== null && owner.includes(`-${this.#child.pid}-`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  async ended(): Promise<void> {
    await this.#child?.exited;
    this.#child = null;
  }

  async #isReady(): Promise<boolean> {
    const answer = await fetch(`${this.apiUrl}/readyz`, { signal: AbortSignal.timeout(2000) }).catch(() => null);
    return answer?.ok === true;
  }
}

/** Until every node has its share in each role. */
export async function balanced(nodes: readonly ServiceNode[], partitions: number, list: () => Promise<PartitionStatus[]>): Promise<void> {
  // Nobody has more than the even share, rounded up; the last may have less.
  const least = partitions - Math.ceil(partitions / nodes.length) * (nodes.length - 1);
  const deadline = performance.now() + BALANCED_MS;
  const isBalanced = (all: PartitionStatus[]) =>
    ROLES.every((role) => {
      const owned = all.filter((each) => each.role === role);
      const shares = nodes.map((node) => owned.filter((each) => node.owns(each)).length);
      return shares.every((share) => share >= least) && shares.reduce((sum, share) => sum + share, 0) === partitions;
    });
  while (!isBalanced(await list())) {
    if (performance.now() > deadline) throw new Error("the nodes did not share the partitions out");
    await Bun.sleep(LOOK_MS);
  }
}
