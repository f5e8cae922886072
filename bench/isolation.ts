import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoreConfig } from "../src/config";
import { DURABILITY, PARTITIONS, withDatabases } from "./endpoints/databases";
import { drained, ofEndpoint, openStage, register, type Stage } from "./endpoints/stage";
import { median, type Result } from "./figures";
import { SENSORS } from "./fleet";
import { type Peer, startPeer } from "./peer";
import type { BenchOptions } from "./run";

const ENDPOINTS = 100;
/** Changes, each owed to one endpoint: what a node holds easily on two cores that it shares with all the others. */
const RATE = 500;
/** Twice as long as an attempt may take, so that those that hang have all that they can get, and time out. */
const SECONDS = 35;
const WARM_UP_SECONDS = 5;
const HANGING_SHARES = [0.1, 0.5] as const;

export interface LoadSettings {
  readonly store: StoreConfig;
  readonly natsUrl: string;
  readonly partitions: number;
  readonly sensors: number;
  readonly endpoints: number;
}

export interface LoadOrder {
  readonly rate: number;
  readonly seconds: number;
  /** So many of the endpoints. */
  readonly hanging: number;
}

/** Of the changes that are owed to endpoints that answer, from the commit to the arrival. */
export interface LoadAnswer {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The most that the load ran behind its schedule. */
  readonly lateMs: number;
  readonly perSecond: number;
  readonly missing: number;
}

interface Settings extends Omit<LoadSettings, "natsUrl" | "store"> {
  readonly store: BenchOptions["store"];
  readonly rate: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** With none of the endpoints hanging, and with some, in turns: how long changes take to those that answer. */
interface Turn {
  readonly idle: LoadAnswer;
  readonly hanging: number;
  readonly troubled: LoadAnswer;
}

export async function benchIsolation(options: BenchOptions): Promise<Result> {
  const settings: Settings = {
    store: options.store,
    endpoints: options.endpoints ?? ENDPOINTS,
    sensors: options.sensors ?? SENSORS,
    partitions: options.partitions ?? PARTITIONS[options.store],
    rate: options.rate ?? RATE,
    seconds: options.seconds ?? SECONDS,
    warmUpSeconds: options.warmUpSeconds ?? WARM_UP_SECONDS,
  };
  const turns = await withDatabases(options.store, async (databases) => {
    await using stack = new AsyncDisposableStack();
    const dir = stack.adopt(mkdtempSync(join(tmpdir(), "tocsin-bench-")), (path) => rmSync(path, { recursive: true, force: true }));
    const stage = await openStage(stack, { databases, partitions: settings.partitions, dir });
    const { natsUrl, config } = stage;
    const load = stack.use(startPeer("isolation/load.ts", { ...settings, natsUrl, store: config } satisfies LoadSettings));
    await register(stage, await load.ask("urls"), ofEndpoint);
    return await measure(stage, load, settings);
  });
  return result(settings, turns);
}

async function measure({ store }: Stage, load: Peer, { endpoints, rate, seconds, warmUpSeconds }: Settings): Promise<Turn[]> {
  const counts = () => load.ask<{ deliveries: number; numbers: readonly number[] }>("counts");
  const run = async (order: LoadOrder) => {
    const answer = await load.ask<LoadAnswer>("load", order);
    await load.ask("heal");
    const { numbers } = await counts();
    const owed = numbers.reduce((sum, number) => sum + number, 0);
    await drained(store, numbers, { received: async () => (await counts()).deliveries, owed });
    return answer;
  };
  await run({ rate, seconds: warmUpSeconds, hanging: 0 });
  const turns: Turn[] = [];
  for (const share of HANGING_SHARES) {
    const hanging = Math.round(endpoints * share);
    const idle = await run({ rate, seconds, hanging: 0 });
    const troubled = await run({ rate, seconds, hanging });
    turns.push({ idle, hanging, troubled });
    console.error(`${hanging} of ${endpoints} hang: p99 ${troubled.p99Ms.toFixed(1)} ms; none: ${idle.p99Ms.toFixed(1)} ms`);
  }
  return turns;
}

function result({ warmUpSeconds, ...settings }: Settings, turns: readonly Turn[]): Result {
  const [few, half] = turns as [Turn, Turn];
  const ratio = ({ idle, troubled }: Turn) => troubled.p99Ms / idle.p99Ms;
  const all = turns.flatMap(({ idle, troubled }) => [idle, troubled]);
  const figures = {
    p99RatioAt10: ratio(few),
    p99RatioAt50: ratio(half),
    p99Ms: median(turns.map(({ idle }) => idle.p99Ms)),
    p99MsAt10: few.troubled.p99Ms,
    p99MsAt50: half.troubled.p99Ms,
    p50Ms: median(turns.map(({ idle }) => idle.p50Ms)),
    p50MsAt10: few.troubled.p50Ms,
    p50MsAt50: half.troubled.p50Ms,
    maxMsAt50: half.troubled.maxMs,
    changesPerSecond: Math.min(...all.map(({ perSecond }) => perSecond)),
    missing: all.reduce((sum, { missing }) => sum + missing, 0),
  };
  const late = Math.max(...all.map(({ lateMs }) => lateMs));
  const notes = [
    `of endpoints that answer, from the commit to the arrival; hanging ones take the request and never answer, from the first change of a turn on`,
    `the load ran at most ${late.toFixed(0)} ms behind its schedule`,
  ];
  if (figures.missing > 0) notes.push(`${figures.missing} changes had not arrived at endpoints that answer when their turn ended`);
  return {
    bench: "isolation",
    headline: `p99 ${figures.p99RatioAt50.toFixed(2)} times as long while ${half.hanging} of ${settings.endpoints} endpoints hang, ${figures.p99RatioAt10.toFixed(2)} while ${few.hanging} do`,
    settings: {
      ...settings,
      warmUpSeconds,
      hanging: `${few.hanging}, ${half.hanging}`,
      durability: DURABILITY[settings.store],
      webhooksOfAChange: 1,
      cores: navigator.hardwareConcurrency,
    },
    figures,
    notes,
  };
}
