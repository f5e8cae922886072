import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { openStore } from "../src/store/open";
import type { Store } from "../src/store/store";
import { startPostgres } from "../test/servers/postgres";
import { startBroker } from "./broker";
import { type BenchChild, startChild } from "./child";
import { Arrivals } from "./failover/arrivals";
import { ADMIN_TOKEN, balanced, ServiceNode } from "./failover/nodes";
import { median, type Result } from "./figures";
import { REPORT_BYTES } from "./fleet";
import type { BenchOptions } from "./run";

const NODES = 3;
const PARTITIONS = 16;
const RATE = 1000;
const SENSORS = 2000;
const ROUNDS = 5;
/** Once every partition has its owner again: what is measured must have ended by then. */
const CALM_MS = 1500;
const DRAIN_MS = 15_000;

export interface LoadSettings {
  readonly natsUrl: string;
  readonly partitions: number;
  readonly sensors: number;
  readonly rate: number;
}

export interface LoadAnswer {
  readonly reports: number;
  readonly reportsPerSecond: number;
  readonly sendLagMaxMs: number;
}

interface Stage {
  readonly store: Store;
  readonly nodes: readonly ServiceNode[];
  readonly changes: Arrivals;
  readonly deliveries: Arrivals;
  /** The load's own distance between two reports of a partition. */
  readonly spacingMs: number;
}

/** The longest pauses of one round. */
interface Round {
  /** In a calm time just before. */
  readonly calmMs: number;
  /** Of the changes of a partition whose ingest the node had. */
  readonly changesMs: number;
  /** From a partition's changes to a webhook, where the node had its ingest or its notifying. */
  readonly deliveriesMs: number;
  /** Of any partition's changes, while the node came back. */
  readonly joinMs: number;
}

/** Nodes as separate processes under a steady load: how long the changes of a partition stay away when its owner is stopped or killed. */
export async function benchFailover(options: BenchOptions): Promise<Result> {
  const rate = options.rate ?? RATE;
  const sensors = options.sensors ?? SENSORS;
  const rounds = options.rounds ?? ROUNDS;
  await using stack = new AsyncDisposableStack();
  const dir = stack.adopt(mkdtempSync(join(tmpdir(), "tocsin-bench-")), (path) => rmSync(path, { recursive: true, force: true }));
  const postgres = stack.use(await startPostgres());
  const broker = stack.adopt(await startBroker(join(dir, "broker"), { partitions: PARTITIONS }), (started) => started.stop());
  const databaseUrl = await postgres.createDatabase();
  const store = stack.adopt(await openStore({ kind: "postgres", url: databaseUrl }), (opened) => opened.close());
  const nodes = await startNodes(stack, { databaseUrl, natsUrl: broker.url, partitions: PARTITIONS, dir });
  const changes = new Arrivals(PARTITIONS);
  const deliveries = new Arrivals(PARTITIONS);
  const delivered = new Set<string>();
  await watchChanges(stack, broker.url, changes);
  await watchDeliveries(stack, nodes[0] as ServiceNode, (changeId) => {
    delivered.add(changeId);
    deliveries.note(Number(changeId.split("_")[1]));
  });
  const load = startChild<LoadAnswer>("failover/load.ts", { natsUrl: broker.url, partitions: PARTITIONS, sensors, rate });
  stack.defer(() => load.signal("SIGKILL"));
  const stage = { store, nodes, changes, deliveries, spacingMs: (PARTITIONS / rate) * 1000 };
  const struck = await strikeInTurns(stage, rounds);
  const answer = await ended(load);
  const drainedBy = Date.now() + DRAIN_MS;
  while (delivered.size < answer.reports && Date.now() < drainedBy) await Bun.sleep(50);
  return result(struck, {
    sensors,
    rate,
    rounds,
    natsServer: broker.version,
    missing: Math.max(0, answer.reports - delivered.size),
    answer,
  });
}

async function startNodes(
  stack: AsyncDisposableStack,
  settings: { databaseUrl: string; natsUrl: string; partitions: number; dir: string },
): Promise<ServiceNode[]> {
  const nodes = await Promise.all(Array.from({ length: NODES }, () => ServiceNode.prepare(settings)));
  stack.defer(async () => {
    for (const node of nodes) node.signal("SIGKILL");
    await Promise.all(nodes.map((node) => node.ended()));
  });
  for (const node of nodes) await node.start();
  return nodes;
}

/** Anyone may: `changes.>` is public. */
async function watchChanges(stack: AsyncDisposableStack, natsUrl: string, arrivals: Arrivals): Promise<void> {
  const connection = stack.adopt(await connect({ servers: natsUrl, noAsyncTraces: true }), (opened) => opened.close());
  connection.subscribe("changes.>", { callback: (_, message) => arrivals.note(Number(message.subject.split(".")[2])) });
  await connection.flush();
}

async function watchDeliveries(stack: AsyncDisposableStack, { apiUrl }: ServiceNode, arrived: (changeId: string) => void): Promise<void> {
  const receiver = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { data } = (await request.json()) as { data: { changeId: string } };
      arrived(data.changeId);
      return new Response(null, { status: 204 });
    },
  });
  stack.defer(() => receiver.stop(true));
  const registered = await fetch(`${apiUrl}/v1/webhooks`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ url: `http://127.0.0.1:${receiver.port}/`, filter: { initial: true }, concurrency: 64 }),
  });
  if (registered.status !== 201) throw new Error(`the webhook was not registered: ${await registered.text()}`);
}

async function strikeInTurns(stage: Stage, rounds: number): Promise<{ term: Round[]; kill: Round[] }> {
  const struck: { term: Round[]; kill: Round[] } = { term: [], kill: [] };
  for (let round = 0; round < rounds; round += 1) {
    const victim = (turn: number) => stage.nodes[(2 * round + turn) % NODES] as ServiceNode;
    struck.term.push(await strike(stage, victim(0), "SIGTERM"));
    struck.kill.push(await strike(stage, victim(1), "SIGKILL"));
    const [term, kill] = [struck.term.at(-1) as Round, struck.kill.at(-1) as Round];
    console.error(
      `round ${round + 1} of ${rounds}: SIGTERM ${Math.round(term.changesMs)} ms, kill -9 ${Math.round(kill.changesMs)} ms` +
        ` (webhooks ${Math.round(term.deliveriesMs)} and ${Math.round(kill.deliveriesMs)} ms)`,
    );
  }
  return struck;
}

async function strike(stage: Stage, victim: ServiceNode, signal: "SIGTERM" | "SIGKILL"): Promise<Round> {
  const { store, nodes, changes, deliveries } = stage;
  const shared = async (among: readonly ServiceNode[]) => {
    await balanced(among, PARTITIONS, () => store.listPartitions());
    await Bun.sleep(CALM_MS);
  };
  await shared(nodes);
  const calmMs = await longest(stage, changes, { partitions: ALL, act: () => Bun.sleep(CALM_MS) });
  const owned = (await store.listPartitions()).filter((each) => victim.owns(each));
  const ingested = owned.filter(({ role }) => role === "ingest").map(({ partition }) => partition);
  let deliveriesMs = Number.NaN;
  const changesMs = await longest(stage, changes, {
    partitions: ingested,
    async act() {
      deliveriesMs = await longest(stage, deliveries, {
        partitions: [...new Set(owned.map(({ partition }) => partition))],
        async act() {
          victim.signal(signal);
          await shared(nodes.filter((node) => node !== victim));
        },
      });
    },
  });
  await victim.ended();
  const joinMs = await longest(stage, changes, {
    partitions: ALL,
    async act() {
      await victim.start();
      await shared(nodes);
    },
  });
  return { calmMs, changesMs, deliveriesMs, joinMs };
}

const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition);

/** The longest pause of any of these partitions while `act` ran, without the load's own spacing. */
async function longest(
  { spacingMs }: Stage,
  arrivals: Arrivals,
  { partitions, act }: { partitions: readonly number[]; act: () => Promise<void> },
): Promise<number> {
  arrivals.forget();
  const from = performance.now();
  await act();
  const until = performance.now();
  return Math.max(0, Math.max(...partitions.map((partition) => arrivals.longestGapMs(partition, from, until))) - spacingMs);
}

async function ended(load: BenchChild<LoadAnswer>): Promise<LoadAnswer> {
  load.signal("SIGTERM");
  return load.answer;
}

interface Ran {
  readonly sensors: number;
  readonly rate: number;
  readonly rounds: number;
  readonly natsServer: string;
  readonly missing: number;
  readonly answer: LoadAnswer;
}

function result({ term, kill }: { term: Round[]; kill: Round[] }, ran: Ran): Result {
  const { sensors, rate, rounds, natsServer, missing, answer } = ran;
  const of = (struck: Round[], name: keyof Round) => struck.map((round) => round[name]);
  const figures = {
    sigtermPauseMs: median(of(term, "changesMs")),
    sigtermPauseMaxMs: Math.max(...of(term, "changesMs")),
    crashPauseMs: median(of(kill, "changesMs")),
    crashPauseMaxMs: Math.max(...of(kill, "changesMs")),
    sigtermWebhookPauseMs: median(of(term, "deliveriesMs")),
    sigtermWebhookPauseMaxMs: Math.max(...of(term, "deliveriesMs")),
    crashWebhookPauseMs: median(of(kill, "deliveriesMs")),
    crashWebhookPauseMaxMs: Math.max(...of(kill, "deliveriesMs")),
    joinPauseMs: median(of([...term, ...kill], "joinMs")),
    joinPauseMaxMs: Math.max(...of([...term, ...kill], "joinMs")),
    calmPauseMs: median(of([...term, ...kill], "calmMs")),
    reportsPerSecond: answer.reportsPerSecond,
    missing,
  };
  const ms = (value: number) => Math.round(value).toLocaleString("en");
  return {
    bench: "failover",
    headline: `a sensor's changes pause ${ms(figures.sigtermPauseMs)} ms on SIGTERM (at most ${ms(figures.sigtermPauseMaxMs)}), ${ms(figures.crashPauseMs)} ms on kill -9 (at most ${ms(figures.crashPauseMaxMs)})`,
    settings: {
      store: "postgres",
      durability: "fsync and synchronous_commit on",
      nodes: NODES,
      roles: "http, ingest and notify on every node",
      partitions: PARTITIONS,
      sensors,
      rate,
      rounds,
      reportBytes: REPORT_BYTES,
      changeShare: 1,
      webhooks: 1,
      natsServer,
      cores: navigator.hardwareConcurrency,
    },
    figures,
    notes: [
      "a pause is the longest of any partition that the node had, from the last change before to the first one after, less the load's own spacing",
      `calmPauseMs is the same where nothing happened, over all partitions; the load ran at most ${answer.sendLagMaxMs.toFixed(0)} ms behind its schedule`,
      ...(missing > 0 ? [`${missing} changes had not arrived when the bench ended`] : []),
    ],
  };
}
