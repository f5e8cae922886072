import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dieWithParent } from "../src/jetstream/embedded/child";
import { freePorts } from "../test/servers/freePorts";
import { ADMIN_TOKEN, callApi, inherited, isReady, SECRETS_KEY } from "../test/servers/tocsin";
import type { Dependency } from "./plan";
import { type LinkState, openProxy, type Proxy } from "./proxy";

const MAIN = join(import.meta.dir, "../src/main.ts");
const READY_MS = 60_000;
const END_MS = 15_000;
const LOOK_MS = 25;
const START_AGAIN_MS = 300;
const OUTPUT_CHARS_SHOWN = 4000;

export interface NodeOptions {
  readonly name: string;
  /** The database's address without a proxy. */
  readonly databaseUrl: string;
  readonly natsUrls: readonly string[];
  readonly partitions: number;
  /** Of http, ingest, notify, separated by commas; all unless given. */
  readonly roles?: string;
  readonly redisUrl?: string;
}

interface Parts {
  readonly folder: string;
  readonly proxies: { readonly postgres: Proxy; readonly nats: readonly Proxy[] };
  /** Words put in front of the program. */
  readonly prefix: readonly string[];
}

/** One node of the service: a process, and the proxies between it and what it depends on. */
export class ServiceNode implements AsyncDisposable {
  readonly httpUrl: string;
  readonly #env: Record<string, string>;
  #child: Bun.Subprocess<"ignore", "pipe", "pipe"> | null = null;
  #wanted = false;
  #ready = false;
  #output = "";
  /** Ends that nobody caused, after it had been ready. */
  readonly crashes: string[] = [];
  /** Starts that were given up because something was away. */
  startsAgain = 0;

  private constructor(
    readonly name: string,
    private readonly parts: Parts,
    { httpPort, databaseUrl, partitions, roles = "", redisUrl }: Omit<NodeOptions, "name" | "natsUrls"> & { httpPort: number },
  ) {
    const { folder, proxies } = parts;
    this.httpUrl = `http://127.0.0.1:${httpPort}`;
    const database = new URL(databaseUrl);
    database.port = String(proxies.postgres.port);
    this.#env = {
      ...inherited(),
      HTTP_HOST: "127.0.0.1",
      HTTP_PORT: String(httpPort),
      DATABASE_URL: database.href,
      NATS_URL: proxies.nats.map(({ port }) => `nats://127.0.0.1:${port}`).join(","),
      PARTITIONS: String(partitions),
      ROLES: roles,
      DATA_DIR: folder,
      ADMIN_TOKEN,
      SECRETS_KEY,
      LOG_LEVEL: "warn",
      ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
    };
  }

  /** With its proxies, not yet started. */
  static async prepare({ name, databaseUrl, natsUrls, ...rest }: NodeOptions): Promise<ServiceNode> {
    const postgres = await openProxy(Number(new URL(databaseUrl).port));
    const nats = await Promise.all(natsUrls.map((url) => openProxy(Number(new URL(url).port))));
    const [httpPort] = await freePorts(1);
    const folder = mkdtempSync(join(tmpdir(), "tocsin-chaos-"));
    const parts = { folder, proxies: { postgres, nats }, prefix: await dieWithParent() };
    return new ServiceNode(name, parts, { httpPort, databaseUrl, ...rest });
  }

  get running(): boolean {
    return this.#ready;
  }

  /** Starts it; when it gives up because something is away, once more, as a container is. Resolves once /readyz says 200. */
  async start(): Promise<void> {
    this.launch();
    const deadline = performance.now() + READY_MS;
    while (!(await isReady(this.httpUrl))) {
      if (performance.now() > deadline) throw new Error(`${this.name} is not ready after ${READY_MS} ms:\n${this.output()}`);
      await Bun.sleep(LOOK_MS);
    }
    this.#ready = true;
  }

  launch(): void {
    this.#wanted = true;
    const child = Bun.spawn([...this.parts.prefix, process.execPath, "--no-env-file", MAIN, "serve"], {
      cwd: this.parts.folder,
      env: this.#env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) void this.#collect(stream);
    void child.exited.then(() => this.#ended(child));
  }

  async kill(): Promise<void> {
    this.#leave();
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
  }

  /** SIGTERM; resolves with how long the end took. */
  async stop(): Promise<number> {
    this.#leave();
    const child = this.#child;
    if (child === null || child.exitCode !== null) return 0;
    const startedAt = performance.now();
    child.kill("SIGTERM");
    const code = await Promise.race([child.exited, Bun.sleep(END_MS).then(() => null)]);
    if (code !== 0) throw new Error(`${this.name} ends on SIGTERM with ${code ?? "nothing"} after ${END_MS} ms at most:\n${this.output()}`);
    return performance.now() - startedAt;
  }

  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  link(to: Dependency, state: LinkState): void {
    if (to !== "nats") this.parts.proxies.postgres.set(state);
    if (to !== "postgres") for (const proxy of this.parts.proxies.nats) proxy.set(state);
  }

  api(path: string, init: RequestInit = {}): Promise<Response> {
    return callApi(this.httpUrl, path, init);
  }

  /** The last that it printed. */
  output(): string {
    return this.#output.slice(-OUTPUT_CHARS_SHOWN);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    for (const proxy of [this.parts.proxies.postgres, ...this.parts.proxies.nats]) await proxy[Symbol.asyncDispose]();
    rmSync(this.parts.folder, { recursive: true, force: true });
  }

  #leave(): void {
    this.#wanted = false;
    this.#ready = false;
  }

  #ended(child: Bun.Subprocess): void {
    if (!this.#wanted || child !== this.#child) return;
    if (this.#ready) this.crashes.push(`${this.name} ended by itself (${child.signalCode ?? child.exitCode}):\n${this.output()}`);
    else this.startsAgain += 1;
    this.#ready = false;
    setTimeout(() => {
      if (this.#wanted && child === this.#child) this.launch();
    }, START_AGAIN_MS);
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream)
      this.#output = (this.#output + decoder.decode(chunk, { stream: true })).slice(-4 * OUTPUT_CHARS_SHOWN);
  }
}
