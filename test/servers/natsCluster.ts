/** Three real nats-servers as a cluster: routes between them, JetStream, MQTT, and the embedded server's mapping and limits. */
import { jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dieWithParent, lastLines } from "../../src/jetstream/embedded/child";
import { serverConf } from "../../src/jetstream/embedded/conf";
import { readVersion } from "../../src/jetstream/embedded/found";
import { waitUntilReady } from "../../src/jetstream/embedded/ready";
import { versionText } from "../../src/jetstream/embedded/version";
import { freePorts } from "./freePorts";
import { testNatsBinary } from "./natsServer";

const SERVERS = 3;
const READY_MS = 60_000;
const BETWEEN_TRIES_MS = 50;
const START_TRIES = 3;
const LOG_LINES_SHOWN = 5;

export interface NatsCluster extends AsyncDisposable {
  /** One per server, in order; NATS_URL takes them joined by commas. */
  readonly urls: readonly string[];
  readonly mqttUrls: readonly string[];
  /** The servers', such as "2.14.5". */
  readonly version: string;
  /** kill -9 of one server; resolves once it is gone. */
  kill(index: number): Promise<void>;
  /**
   * Starts one that was killed, on the same store and ports; resolves once JetStream answers there. It needs a second server beside it: at
   * least two of three make a cluster.
   */
  start(index: number): Promise<void>;
  /** The process of a server that runs, for signals. */
  pid(index: number): number;
}

export interface NatsClusterOptions {
  /** P of the mapping. */
  readonly partitions: number;
  /** The nats-server program; the one that every test takes unless given. */
  readonly binary?: string;
  /** Whether clients are told of the other servers; else they know only the addresses that they were given. */
  readonly advertise?: boolean;
}

/** Resolves once a stream can be kept on all three; `await using` ends them and removes their stores. */
export async function startNatsCluster({ partitions, binary, advertise = true }: NatsClusterOptions): Promise<NatsCluster> {
  const path = binary ?? (await testNatsBinary());
  for (let attempt = 1; ; attempt += 1) {
    const cluster = await RunningCluster.prepare(path, { partitions, advertise });
    try {
      await cluster.startAll();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      // Between our asking for free ports and the servers' taking them, somebody else may have.
      if (attempt === START_TRIES) throw error;
    }
  }
}

interface Member {
  readonly name: string;
  readonly port: number;
  readonly mqttPort: number;
  readonly routePort: number;
  readonly confFile: string;
  readonly logFile: string;
}

interface Parts {
  readonly folder: string;
  readonly program: readonly string[];
  readonly flags: readonly string[];
  readonly version: string;
  readonly members: readonly Member[];
}

class RunningCluster implements NatsCluster {
  readonly urls: readonly string[];
  readonly mqttUrls: readonly string[];
  readonly #children: (Bun.Subprocess | null)[];

  readonly version: string;

  private constructor(private readonly parts: Parts) {
    const { members, version } = parts;
    this.version = version;
    this.urls = members.map(({ port }) => `nats://127.0.0.1:${port}`);
    this.mqttUrls = members.map(({ mqttPort }) => `mqtt://127.0.0.1:${mqttPort}`);
    this.#children = members.map(() => null);
  }

  static async prepare(binary: string, { partitions, advertise }: { partitions: number; advertise: boolean }): Promise<RunningCluster> {
    const folder = mkdtempSync(join(tmpdir(), "tocsin-cluster-"));
    const version = await readVersion(binary);
    const members: Member[] = [];
    for (let index = 0; index < SERVERS; index += 1) {
      const [port, mqttPort, routePort] = await freePorts(3);
      const name = `server-${index}`;
      const storeDir = join(folder, name);
      mkdirSync(storeDir);
      const member = { name, port, mqttPort, routePort, confFile: join(storeDir, "nats.conf"), logFile: join(storeDir, "nats.log") };
      writeFileSync(member.confFile, serverConf({ ...member, version, host: "127.0.0.1", storeDir, partitions, syncAlways: false }));
      members.push(member);
    }
    return new RunningCluster({
      folder,
      program: [...(await dieWithParent()), binary],
      flags: advertise ? [] : ["--no_advertise"],
      version: versionText(version),
      members,
    });
  }

  async startAll(): Promise<void> {
    await Promise.all(this.parts.members.map((_, index) => this.start(index)));
    await this.#untilThreeCopies();
  }

  async start(index: number): Promise<void> {
    if (this.#children[index] != null) throw new Error(`server ${index} runs already`);
    const member = this.#member(index);
    const routes = this.parts.members.map(({ routePort }) => `nats://127.0.0.1:${routePort}`).join(",");
    const cluster = ["--cluster_name", "tocsin", "--cluster", `nats://127.0.0.1:${member.routePort}`, "--routes", routes];
    const child = Bun.spawn([...this.parts.program, "-c", member.confFile, "--name", member.name, ...cluster, ...this.parts.flags], {
      stdio: ["ignore", "ignore", "ignore"],
    });
    this.#children[index] = child;
    const given = new AbortController();
    const giveUp = (what: string) =>
      given.abort(new Error([`${member.name} ${what}`, ...lastLines(member.logFile, 0, LOG_LINES_SHOWN)].join("\n")));
    const timer = setTimeout(() => giveUp(`does not answer after ${READY_MS} ms`), READY_MS);
    void child.exited.then((code) => giveUp(`ended with ${code}`));
    await waitUntilReady({ host: "127.0.0.1", port: member.port, mqttPort: member.mqttPort }, given.signal).finally(() =>
      clearTimeout(timer),
    );
  }

  async kill(index: number): Promise<void> {
    const child = this.#children[index];
    if (child == null) return;
    child.kill("SIGKILL");
    await child.exited;
    this.#children[index] = null;
  }

  pid(index: number): number {
    const child = this.#children[index];
    if (child == null) throw new Error(`server ${index} does not run`);
    return child.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.parts.members.map((_, index) => this.kill(index)));
    rmSync(this.parts.folder, { recursive: true, force: true });
  }

  #member(index: number): Member {
    const member = this.parts.members[index];
    if (member === undefined) throw new Error(`there is no server ${index}`);
    return member;
  }

  /** A server answers before the one that places streams has heard from all of them. */
  async #untilThreeCopies(): Promise<void> {
    const connection = await connect({ servers: [...this.urls] });
    const deadline = performance.now() + READY_MS;
    try {
      const api = await jetstreamManager(connection, { checkAPI: false });
      for (;;) {
        try {
          await api.streams.add({ name: "READY", subjects: ["ready"], storage: StorageType.Memory, num_replicas: SERVERS });
          await api.streams.delete("READY");
          return;
        } catch (error) {
          if (performance.now() > deadline) throw error;
          await Bun.sleep(BETWEEN_TRIES_MS);
        }
      }
    } finally {
      await connection.close();
    }
  }
}
