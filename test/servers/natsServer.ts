import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NatsConfig, readConfig } from "../../src/config";
import { type DataFolder, openDataFolder } from "../../src/dataFolder";
import { isFault } from "../../src/domain/fault";
import { findNatsServer } from "../../src/jetstream/embedded/binary";
import type { BinarySearch } from "../../src/jetstream/embedded/found";
import { type EmbeddedNats, openEmbeddedNats } from "../../src/jetstream/embedded/server";
import { freePorts } from "./freePorts";

type EmbeddedConfig = Extract<NatsConfig, { kind: "embedded" }>;

/** A real nats-server of its own, supervised as in production, on free ports of loopback with a temporary store. */
export interface TestNats extends AsyncDisposable {
  readonly url: string;
  readonly mqttUrl: string;
  readonly version: string;
  /** The server's own folder: configuration, log and streams. */
  readonly storeDir: string;
  /** How the server ended, each time that it was started again by itself. */
  readonly restarts: readonly string[];
  pid(): number;
  /** Ends it, hung or not, so that it comes back by itself. */
  restart(): void;
  /** kill -9 of the server; it comes back by itself on the same store and ports. */
  kill(): void;
  /** Takes the broker away until `up`. */
  down(): Promise<void>;
  /** The same store and the same ports again. */
  up(): Promise<void>;
  /** Stops it and removes its store. */
  stop(): Promise<void>;
}

export interface TestNatsOptions {
  /** P of the mapping; 1 unless given. */
  readonly partitions?: number;
  readonly syncAlways?: boolean;
}

const STOP_MS = 5_000;
const PORT_TRIES = 5;

let binary: Promise<string> | undefined;

/** The path of a nats-server, found or got as in production, once in a process. It may take minutes where it must be built. */
export function testNatsBinary(): Promise<string> {
  binary ??= findNatsServer(natsSearch()).then(({ path }) => path);
  return binary;
}

/** What a search for a nats-server starts from in this environment. */
export function natsSearch(): BinarySearch {
  return { ...embeddedConfig(), say: (line) => console.error(line) };
}

/** Starts a server; `await using` or `stop()` ends it and leaves nothing. */
export async function startNatsServer(options: TestNatsOptions = {}): Promise<TestNats> {
  const path = await testNatsBinary();
  for (let attempt = 1; ; attempt += 1) {
    const folder = openDataFolder(mkdtempSync(join(tmpdir(), "tocsin-nats-")));
    const [port, mqttPort] = await freePorts(2);
    try {
      return await open(folder, { ...embeddedConfig(), host: "127.0.0.1", binary: path, port, mqttPort }, options);
    } catch (error) {
      remove(folder);
      // Between our asking for a free port and the server's taking it, somebody else may have.
      if (!isFault(error, "conflict") || attempt === PORT_TRIES) throw error;
    }
  }
}

async function open(folder: DataFolder, config: EmbeddedConfig, { partitions = 1, syncAlways }: TestNatsOptions): Promise<TestNats> {
  const restarts: string[] = [];
  const events = { natsServerRestarted: (exit: string) => void restarts.push(exit), natsServerOld: () => {} };
  const start = () => openEmbeddedNats({ config, folder, partitions, syncAlways, events, say: () => {} });
  let server: EmbeddedNats = await start();
  const { url, mqttUrl, version } = server;
  const stop = async () => {
    await server.stop(STOP_MS);
    remove(folder);
  };
  return {
    url,
    mqttUrl,
    version,
    storeDir: join(folder.path, "nats"),
    restarts,
    pid: () => server.pid(),
    restart: () => server.restart(),
    kill: () => void process.kill(server.pid(), "SIGKILL"),
    down: () => server.stop(STOP_MS),
    up: async () => {
      server = await start();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function remove(folder: DataFolder): void {
  folder.release();
  rmSync(folder.path, { recursive: true, force: true });
}

/** The embedded server's configuration as the environment has it, whatever else is set there. */
function embeddedConfig(): EmbeddedConfig {
  const { nats } = readConfig({ ...process.env, NATS_URL: "", DATABASE_URL: "" }).config;
  if (nats.kind !== "embedded") throw new Error("without NATS_URL the broker is embedded");
  return nats;
}
