import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRunning } from "../../src/processes";
import { freePorts } from "./freePorts";
import { testNatsBinary } from "./natsServer";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const READY_MS = 60_000;
const END_MS = 30_000;
const LOOK_MS = 5;
const PORT_TRIES = 5;
const OUTPUT_CHARS_SHOWN = 4000;

export const ADMIN_TOKEN = "test-admin-token-0123456789";
/** Nodes on one database share it. */
export const SECRETS_KEY = Buffer.alloc(32, "tocsin-test").toString("base64");

/** The real program as a process of its own, on free ports of loopback, with its data in a temporary folder. */
export interface TocsinProcess extends AsyncDisposable {
  readonly httpUrl: string;
  readonly natsUrl: string;
  readonly mqttUrl: string;
  readonly dataDir: string;
  readonly dbFile: string;
  /** Starts it on the same ports and folder; resolves once /readyz says 200, throws with what it printed when it ends before. */
  start(): Promise<void>;
  /** Starts it without waiting for anything. */
  launch(): void;
  /** kill -9; its broker dies with it. Resolves once both are gone. */
  kill(): Promise<void>;
  /** kill -9 of the broker alone; gives its pid, or null when there is none just now. */
  killBroker(): number | null;
  /** The same with another signal. */
  signalBroker(signal: NodeJS.Signals): number | null;
  /** SIGTERM unless another signal is named; resolves with the exit code and how long it took. */
  stop(signal?: NodeJS.Signals): Promise<{ exitCode: number; ms: number }>;
  /** A call of its API with the admin token. Throws what fetch throws. */
  api(path: string, init?: RequestInit): Promise<Response>;
  /** What it printed last, since it was last started. */
  output(): string;
  /** All that it printed since then. */
  wholeOutput(): string;
}

export interface TocsinOptions {
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts one; `await using` ends it and removes its folder. */
export async function startTocsin(options: TocsinOptions = {}): Promise<TocsinProcess> {
  const binary = await testNatsBinary();
  for (let attempt = 1; ; attempt += 1) {
    const dataDir = mkdtempSync(join(tmpdir(), "tocsin-process-"));
    const running = new RunningTocsin(dataDir, await freePorts(3), { NATS_SERVER_BIN: binary, ...options.env });
    try {
      await running.start();
      return running;
    } catch (error) {
      const taken = running.output().includes("in use by another program");
      await running[Symbol.asyncDispose]();
      // Between our asking for a free port and its taking it, somebody else may have.
      if (!taken || attempt === PORT_TRIES) throw error;
    }
  }
}

class RunningTocsin implements TocsinProcess {
  readonly httpUrl: string;
  readonly natsUrl: string;
  readonly mqttUrl: string;
  readonly dbFile: string;
  readonly #env: Record<string, string>;
  #child: Bun.Subprocess<"ignore", "pipe", "pipe"> | null = null;
  #output = "";
  /** Settled once all that it printed has been read, which is some time after its end. */
  #read: Promise<unknown> = Promise.resolve();

  constructor(
    readonly dataDir: string,
    [http, nats, mqtt]: [number, number, number],
    env: Readonly<Record<string, string>>,
  ) {
    this.httpUrl = `http://127.0.0.1:${http}`;
    this.natsUrl = `nats://127.0.0.1:${nats}`;
    this.mqttUrl = `mqtt://127.0.0.1:${mqtt}`;
    this.dbFile = join(dataDir, "tocsin.db");
    const ports = { HTTP_PORT: `${http}`, NATS_PORT: `${nats}`, MQTT_PORT: `${mqtt}` };
    this.#env = { ...inherited(), ...ports, DATA_DIR: dataDir, ADMIN_TOKEN, LOG_LEVEL: "warn", ...env };
  }

  launch(): void {
    if (this.#child !== null) throw new Error("it runs already");
    this.#output = "";
    const child = Bun.spawn([process.execPath, "--no-env-file", MAIN, "up"], {
      cwd: this.dataDir,
      env: this.#env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#child = child;
    this.#read = Promise.all([child.stdout, child.stderr].map((stream) => this.#collect(stream)));
  }

  async start(): Promise<void> {
    this.launch();
    const deadline = performance.now() + READY_MS;
    while (!(await isReady(this.httpUrl))) {
      if (this.#child?.exitCode != null || this.#child?.signalCode != null) {
        await this.#read;
        throw new Error(`it ended before it was ready:\n${this.output()}`);
      }
      if (performance.now() > deadline) throw new Error(`not ready after ${READY_MS} ms:\n${this.output()}`);
      await Bun.sleep(LOOK_MS);
    }
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const broker = this.#brokerPid();
    child.kill("SIGKILL");
    await child.exited;
    this.#child = null;
    const deadline = performance.now() + END_MS;
    while (broker !== null && isRunning(broker)) {
      if (performance.now() > deadline) throw new Error(`its nats-server (process ${broker}) outlived it`);
      await Bun.sleep(LOOK_MS);
    }
  }

  killBroker(): number | null {
    return this.signalBroker("SIGKILL");
  }

  signalBroker(signal: NodeJS.Signals): number | null {
    const pid = this.#brokerPid();
    if (pid === null || !isRunning(pid)) return null;
    process.kill(pid, signal);
    return pid;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<{ exitCode: number; ms: number }> {
    const child = this.#child;
    if (child === null) throw new Error("it does not run");
    const startedAt = performance.now();
    child.kill(signal);
    const exitCode = await Promise.race([child.exited, Bun.sleep(END_MS).then(() => null)]);
    if (exitCode === null) throw new Error(`it does not end on ${signal}:\n${this.output()}`);
    this.#child = null;
    return { exitCode, ms: performance.now() - startedAt };
  }

  api(path: string, init: RequestInit = {}): Promise<Response> {
    return callApi(this.httpUrl, path, init);
  }

  output(): string {
    return this.#output.slice(-OUTPUT_CHARS_SHOWN);
  }

  wholeOutput(): string {
    return this.#output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  #brokerPid(): number | null {
    try {
      return (JSON.parse(readFileSync(join(this.dataDir, "run.json"), "utf8")) as { natsPid: number | null }).natsPid;
    } catch {
      return null;
    }
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.#output += decoder.decode(chunk, { stream: true });
  }
}

/** What a program needs to run, and the mark by which the test runner finds what was left running. */
export function inherited(): Record<string, string> {
  const names = ["PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "TOCSIN_TEST_RUN"];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
}

/** Whether /readyz says 200. */
export async function isReady(httpUrl: string): Promise<boolean> {
  try {
    // A connection to the waiting room, kept for a later call, would break with it.
    const { status } = await fetch(`${httpUrl}/readyz`, { keepalive: false, signal: AbortSignal.timeout(2000) });
    return status === 200;
  } catch {
    return false;
  }
}

/** A call of the API with the admin token. Throws what fetch throws. */
export function callApi(httpUrl: string, path: string, init: RequestInit): Promise<Response> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
  return fetch(`${httpUrl}${path}`, { ...init, headers });
}
