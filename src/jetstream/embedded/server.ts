/** The embedded broker: a nats-server of our own, started, watched and stopped. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addressOf, dialHost } from "../../addresses";
import { isLoopback, type NatsConfig } from "../../config";
import type { DataFolder } from "../../dataFolder";
import { Fault } from "../../domain/fault";
import type { Events } from "../../telemetry/events";
import { findNatsServer } from "./binary";
import { dieWithParent, lastLines, type ServerProgram, sizeOf } from "./child";
import { SAFE_VERSION, serverConf } from "./conf";
import type { NatsBinary } from "./found";
import { demandFreePort } from "./ports";
import { type Listeners, waitUntilReady } from "./ready";
import { Supervisor } from "./supervisor";
import { atLeast, versionText } from "./version";

/** A large store takes its time to be read after a crash. */
const READY_MS = 120_000;
const LOG_LINES_SHOWN = 10;
const DISPOSE_STOP_MS = 5_000;
const RESTART_STOP_MS = 2_000;

export interface EmbeddedNatsOptions {
  readonly config: Extract<NatsConfig, { kind: "embedded" }>;
  readonly folder: DataFolder;
  /** P of the mapping from `sensors.<id>.status`. */
  readonly partitions: number;
  /** Told each step in a line, for the person who started us. */
  readonly say: (line: string) => void;
  readonly events: Pick<Events, "natsServerRestarted" | "natsServerOld">;
  /** Every message on the disk before its PubAck (server ≥ 2.10). Left out, nats-server's own default: a power cut may cost two minutes. */
  readonly syncAlways?: boolean;
}

export interface EmbeddedNats extends AsyncDisposable {
  readonly url: string;
  readonly mqttUrl: string;
  /** The server's, such as "2.14.5". */
  readonly version: string;
  /** The child's process id; another one after each restart. */
  pid(): number;
  /** Ends the child, so that it is started again on the same store. */
  restart(): void;
  /** SIGTERM, and SIGKILL at the deadline. Resolves once the child is gone. */
  stop(deadlineMs: number): Promise<void>;
}

/**
 * Starts the broker in the data folder and resolves when it takes connections and JetStream answers; from then on it is started again
 * whenever it dies. Throws `Fault`: `conflict` for a port that is taken, `unavailable` when no server can be had or it does not start.
 */
export async function openEmbeddedNats(options: EmbeddedNatsOptions): Promise<EmbeddedNats> {
  const { config, folder, say } = options;
  const orphan = await folder.endOrphan();
  if (orphan !== null) say(`ended the nats-server (process ${orphan}) that a killed run left behind`);
  await demandFreePort({ host: config.host, port: config.port, variable: "NATS_PORT" });
  await demandFreePort({ host: config.host, port: config.mqttPort, variable: "MQTT_PORT" });
  const binary = await findNatsServer({ ...config, say });
  warn(options, binary);
  const files = writeFiles(options, binary);
  folder.record({ natsConfig: files.confFile, ports: { ...folder.run.ports, nats: config.port, mqtt: config.mqttPort } });
  const supervisor = new Supervisor({
    program: { binary: binary.path, prefix: await dieWithParent(), ...files },
    started: (pid) => folder.record({ natsPid: pid }),
    restarting: (exit) => options.events.natsServerRestarted(exit),
  });
  const listeners = { host: dialHost(config.host), port: config.port, mqttPort: config.mqttPort };
  await untilReady(supervisor, { listeners, files, binary });
  supervisor.watch();
  const stop = async (deadlineMs: number) => {
    await supervisor.stop(deadlineMs);
    if (folder.run.natsPid !== null) folder.record({ natsPid: null });
  };
  return {
    url: `nats://${addressOf(listeners.host, listeners.port)}`,
    mqttUrl: `mqtt://${addressOf(listeners.host, listeners.mqttPort)}`,
    version: versionText(binary.version),
    pid: () => supervisor.pid,
    restart: () => supervisor.replace(RESTART_STOP_MS),
    stop,
    [Symbol.asyncDispose]: () => stop(DISPOSE_STOP_MS),
  };
}

type Files = Pick<ServerProgram, "confFile" | "outputFile"> & { readonly logFile: string };

function writeFiles({ config, folder, partitions, syncAlways = false }: EmbeddedNatsOptions, { version }: NatsBinary): Files {
  const storeDir = join(folder.path, "nats");
  mkdirSync(storeDir, { recursive: true, mode: 0o700 });
  const confFile = join(storeDir, "nats-server.conf");
  const logFile = join(storeDir, "nats-server.log");
  const { host, port, mqttPort } = config;
  writeFileSync(confFile, serverConf({ version, host, port, mqttPort, storeDir, logFile, partitions, syncAlways }), { mode: 0o600 });
  return { confFile, logFile, outputFile: join(storeDir, "nats-server.out") };
}

function warn({ config, say, events }: EmbeddedNatsOptions, { path, version, source }: NatsBinary): void {
  say(`nats-server ${versionText(version)} (${source}: ${path})`);
  if (!atLeast(version, SAFE_VERSION)) {
    say(
      `warning: nats-server before ${versionText(SAFE_VERSION)} can lose a whole stream when it is killed, and forgets the oldest reports when a stream is full; a newer one is better`,
    );
    events.natsServerOld(versionText(version), versionText(SAFE_VERSION));
  }
  if (!isLoopback(config.host)) {
    say(`warning: NATS and MQTT listen on ${config.host} without authentication: whoever reaches them can report for any sensor`);
  }
}

interface FirstStart {
  readonly listeners: Listeners;
  readonly files: Files;
  readonly binary: NatsBinary;
}

/** A server that fails at its first start will fail again: the reason stands in its log. */
async function untilReady(supervisor: Supervisor, { listeners, files, binary }: FirstStart): Promise<void> {
  const offsets = { log: sizeOf(files.logFile), output: sizeOf(files.outputFile) };
  const waiting = new AbortController();
  const child = supervisor.start();
  const timer = setTimeout(() => waiting.abort(new Error(`no answer after ${READY_MS / 1000} s`)), READY_MS);
  void child.exited.then((exit) => waiting.abort(new Error(`it ended with ${exit}`)));
  try {
    await waitUntilReady(listeners, waiting.signal);
  } catch (error) {
    await supervisor.stop(0);
    const lines = [
      ...lastLines(files.outputFile, offsets.output, LOG_LINES_SHOWN),
      ...lastLines(files.logFile, offsets.log, LOG_LINES_SHOWN),
    ];
    const head = `nats-server ${versionText(binary.version)} (${binary.path}) did not start: ${(error as Error).message}`;
    throw new Fault("unavailable", [head, ...lines.slice(-LOG_LINES_SHOWN).map((line) => `  ${line}`)].join("\n"), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
