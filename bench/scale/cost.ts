/** What a report costs with few sensors and with many: the same ingest on databases that differ by nothing else, in turns. */
import { join, resolve } from "node:path";
import type { StoreConfig } from "../../src/config";
import { openStore } from "../../src/store/open";
import { newSealingKeyText } from "../../src/vault/sealingKey";
import { type Broker, freePort, startBroker } from "../broker";
import { runChild } from "../child";
import type { SideAnswer } from "../pipeline";
import type { BenchDatabase, Databases } from "./database";
import { fillSensors } from "./fill";
import { memoryOf } from "./processes";

/** The last batch may reach beyond, and one that has begun by then goes in, too. */
const OVERSHOOT = 2 * 8192;
const NODE_MS = 180_000;
const LOOK_MS = 100;

export interface PublishSettings {
  readonly natsUrl: string;
  readonly count: number;
  readonly sensors: number;
}

export interface IngestSettings {
  readonly natsUrl: string;
  readonly store: StoreConfig;
  readonly databasePid: number | null;
  readonly warmUp: number;
  readonly reports: number;
  /** Sensors that are kept in memory; null as many as a node keeps. */
  readonly remembered: number | null;
}

export interface IngestAnswer extends SideAnswer {
  /** Processor time of the database's own processes for one report. */
  readonly databaseMicros: number;
}

export interface CostOptions {
  /** From the fewest to the most. */
  readonly sizes: readonly number[];
  readonly warmUp: number;
  readonly reports: number;
  readonly rounds: number;
  /** Of which size it is measured, too, what it costs that hardly any sensor is in memory. */
  readonly missesAt: number;
  readonly dir: string;
}

export interface Costs {
  /** By size, an answer for each round. */
  readonly bySize: ReadonlyMap<number, readonly IngestAnswer[]>;
  readonly withMisses: readonly IngestAnswer[];
  /** The whole node at the largest size, after the same load. */
  readonly node: { readonly rssMb: number; readonly peakMb: number };
}

const REMEMBERED_FEW = 256;

interface Side {
  readonly sensors: number;
  readonly database: BenchDatabase;
  readonly broker: Broker;
}

export async function measureCosts(stack: AsyncDisposableStack, databases: Databases, options: CostOptions): Promise<Costs> {
  const { sizes, warmUp, reports, rounds, missesAt, dir } = options;
  const sides: Side[] = [];
  const ofRun = warmUp + reports + OVERSHOOT;
  for (const sensors of sizes) {
    const database = await databases.create();
    console.error(`filling a database with ${sensors} sensors, and a stream with their reports`);
    await fillSensors(database, sensors);
    const broker = stack.adopt(await startBroker(join(dir, `broker-${sensors}`)), (started) => started.stop());
    const runs = rounds * (sensors === missesAt ? 2 : 1) + (sensors === sizes.at(-1) ? 1 : 0);
    await runChild("scale/publish.ts", { natsUrl: broker.url, count: runs * ofRun, sensors } satisfies PublishSettings);
    sides.push({ sensors, database, broker });
  }
  const run = ({ database, broker }: Side, remembered: number | null) =>
    runChild<IngestAnswer>("scale/ingest.ts", {
      natsUrl: broker.url,
      store: database.config,
      databasePid: databases.pid,
      warmUp,
      reports,
      remembered,
    } satisfies IngestSettings);
  const bySize = new Map(sizes.map((size) => [size, [] as IngestAnswer[]]));
  const withMisses: IngestAnswer[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const side of sides) bySize.get(side.sensors)?.push(await run(side, null));
    withMisses.push(await run(sides.find(({ sensors }) => sensors === missesAt) as Side, REMEMBERED_FEW));
    const told = sizes.map((size) => `${size}: ${microsOf(bySize.get(size)?.at(-1) as IngestAnswer).toFixed(1)} µs`);
    console.error(`round ${round} of ${rounds}: processor time for a report with ${told.join(", ")}`);
  }
  return { bySize, withMisses, node: await weighNode(sides.at(-1) as Side, dir) };
}

/** Processor time of the node and of its database for one report. */
export function microsOf({ cpuMicros, databaseMicros }: IngestAnswer): number {
  return cpuMicros + databaseMicros;
}

/** A node with all roles takes in what the stream still holds. */
async function weighNode({ database, broker }: Side, dir: string): Promise<Costs["node"]> {
  const { config } = database;
  const store = await openStore(config);
  const node = Bun.spawn([process.execPath, "--no-env-file", resolve(import.meta.dir, "../../src/main.ts"), "serve"], {
    env: {
      ...process.env,
      DATABASE_URL: config.kind === "postgres" ? config.url : `sqlite:${config.file}`,
      NATS_URL: broker.url,
      PARTITIONS: "1",
      ROLES: "",
      SENSORS_MAX: "100000000",
      DATA_DIR: join(dir, "node"),
      SECRETS_KEY: newSealingKeyText(),
      HTTP_HOST: "127.0.0.1",
      HTTP_PORT: String(await freePort()),
      LOG_LEVEL: "error",
    },
    stdout: "ignore",
    stderr: "inherit",
  });
  try {
    const last = await lastSequence(broker);
    const deadline = performance.now() + NODE_MS;
    for (;;) {
      const ingest = (await store.listPartitions()).find(({ role }) => role === "ingest");
      if (ingest !== undefined && ingest.cursor >= last) break;
      if (node.exitCode !== null || performance.now() > deadline) throw new Error("the node did not take in what the stream holds");
      await Bun.sleep(LOOK_MS);
    }
    return memoryOf(node.pid);
  } finally {
    node.kill("SIGTERM");
    await node.exited;
    await store.close();
  }
}

async function lastSequence({ url }: Broker): Promise<number> {
  const { openNats } = await import("../../src/jetstream/connection");
  const link = await openNats({ urls: [url], name: "bench" });
  const { state } = await link.api.streams.info("REPORTS_1_0");
  await link.close();
  return state.last_seq;
}
