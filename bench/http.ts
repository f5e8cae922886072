import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./broker";
import { runChild, startChild } from "./child";
import { DURABILITY, PARTITIONS, withDatabases } from "./endpoints/databases";
import { median, type Result } from "./figures";
import { REPORT_BYTES, SENSORS } from "./fleet";
import type { BareSettings } from "./http/bare";
import type { BulkAnswer, BulkSettings } from "./http/bulkLoad";
import type { LoadAnswer, LoadSettings } from "./http/load";
import { FRUITLESS_QUERIES, LIST_QUERIES, reportRequests, requestOf, SEARCH_QUERIES } from "./http/requests";
import { ADMIN_TOKEN, type BenchService, startService } from "./http/service";
import type { WatchersAnswer, WatchersSettings } from "./http/watchers";
import type { BenchOptions } from "./run";
import { openStore } from "../src/store/open";
import type { BenchDatabase, Databases } from "./scale/database";
import { fillRegistry } from "./scale/fill";

const LISTED_SENSORS = 1_000_000;
const SECONDS = 5;
const WARM_UP_SECONDS = 2;
const PAIRS = 3;
const CONNECTIONS = 64;
/** Lists are asked for by a few at once. */
const LIST_CONNECTIONS = 2;
const BULK_CONNECTIONS = 2;
const BULK_ITEMS = 5000;
const WATCHERS = 1000;
const CHANGES_PER_SECOND = 1000;
/** So many of the registered sensors are read, again and again. */
const READ_SENSORS = 1000;
const TEXTS_AT_ONCE = 5000;

interface Means {
  readonly options: BenchOptions;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly pairs: number;
  /** Registered where lists are asked for. */
  readonly listed: number;
  readonly watchers: number;
  readonly changeRate: number;
}

/** Reads beside a bare server, lists over many sensors, reports one by one and in bulk, and watchers of all changes; one after the other. */
export async function benchHttp(options: BenchOptions): Promise<Result> {
  const means: Means = {
    options,
    seconds: options.seconds ?? SECONDS,
    warmUpSeconds: options.warmUpSeconds ?? WARM_UP_SECONDS,
    pairs: options.pairs ?? PAIRS,
    listed: options.sensors ?? LISTED_SENSORS,
    watchers: options.watchers ?? WATCHERS,
    changeRate: options.rate ?? CHANGES_PER_SECOND,
  };
  const { reads, lists, searches, fruitless } = await withDatabases(options.store, (databases) => measureReads(databases, means));
  const reports = await withDatabases(options.store, (databases) => measureReports(databases, means));
  const bulk = await withDatabases(options.store, (databases) => measureBulk(databases, means));
  const bulkAlone = await withDatabases(options.store, (databases) => measureBulk(databases, means, "http"));
  const watched = await withDatabases(options.store, async (databases) => ({
    ofAll: await measureWatchers(databases, means, "none"),
    ofOne: await measureWatchers(databases, means, "sensor"),
  }));
  return result(means, { reads, lists, searches, fruitless, reports, bulk, bulkAlone, watched });
}

interface Watched {
  readonly ofAll: WatchersAnswer;
  readonly ofOne: WatchersAnswer;
}

interface Reads {
  readonly services: readonly LoadAnswer[];
  readonly bares: readonly LoadAnswer[];
}

/** On one service whose registry is full. */
async function measureReads(databases: Databases, means: Means): Promise<Pick<Measured, "reads" | "lists" | "searches" | "fruitless">> {
  const database = await databases.create();
  console.error(`registering ${means.listed} sensors`);
  await database.withoutIndexes(() => fillRegistry(database, means.listed));
  await groupTexts(database);
  for (const statement of database.dialect.settle) await database.execute(statement);
  return withService(database, means, async (service) => {
    console.error("lists");
    const list = (queries: readonly string[]) => {
      const requests = queries.map((query) => requestOf("GET", `/v1/sensors?${query}`));
      return load(means, { port: service.port, connections: LIST_CONNECTIONS, requests, sensors: 1, status: 200 });
    };
    const lists = await list(LIST_QUERIES);
    const searches = await list(SEARCH_QUERIES);
    const fruitless = await list(FRUITLESS_QUERIES);
    return { lists, searches, fruitless, reads: await measurePairs(service, means) };
  });
}

/** As a service would have done behind the writes. */
async function groupTexts({ config }: BenchDatabase): Promise<void> {
  const store = await openStore(config);
  while ((await store.indexTexts(TEXTS_AT_ONCE)).more);
  await store.close();
}

async function measurePairs(service: BenchService, means: Means): Promise<Reads> {
  const sensors = Math.min(READ_SENSORS, means.listed);
  const wanted = { connections: CONNECTIONS, requests: [requestOf("GET", "/v1/sensors/sensor-{sensor}")], sensors, status: 200 };
  const answer = await fetch(`http://127.0.0.1:${service.port}/v1/sensors/sensor-${sensors - 1}`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  const sent = ["content-length", "date"];
  const headers = [...answer.headers].filter(([name]) => !sent.includes(name));
  const port = await freePort();
  const bare = startChild("http/bare.ts", { port, status: 200, headers, body: await answer.text() } satisfies BareSettings);
  const [services, bares]: [LoadAnswer[], LoadAnswer[]] = [[], []];
  try {
    for (let pair = 1; pair <= means.pairs; pair += 1) {
      console.error(`reads: pair ${pair}`);
      services.push(await load(means, { port: service.port, ...wanted }));
      bares.push(await load(means, { port, ...wanted }));
    }
  } finally {
    bare.signal("SIGTERM");
    await bare.answer;
  }
  return { services, bares };
}

async function measureReports(databases: Databases, means: Means): Promise<LoadAnswer> {
  return withService(await databases.create(), means, (service) => {
    console.error("reports");
    return load(means, { port: service.port, connections: CONNECTIONS, requests: reportRequests(), sensors: SENSORS, status: 202 });
  });
}

/** With all roles the node that takes reports in decides and commits them, too; with `http` alone that is for others, of whom there are none here. */
async function measureBulk(databases: Databases, means: Means, roles = ""): Promise<BulkAnswer> {
  return withService(await databases.create(), { ...means, roles }, ({ port }) => {
    console.error(`reports in bulk${roles === "" ? "" : `, ${roles} alone`}`);
    const { seconds, warmUpSeconds } = means;
    const wanted = { port, token: ADMIN_TOKEN, connections: BULK_CONNECTIONS, items: BULK_ITEMS, sensors: SENSORS };
    return runChild<BulkAnswer>("http/bulkLoad.ts", { ...wanted, seconds, warmUpSeconds } satisfies BulkSettings);
  });
}

/** On a service whose sensors have never said anything: the first report of each is a change, too. */
async function measureWatchers(databases: Databases, means: Means, filter: WatchersSettings["filter"]): Promise<WatchersAnswer> {
  const { seconds, warmUpSeconds, watchers, changeRate } = means;
  return withService(await databases.create(), means, ({ port, natsUrl, pid }) => {
    console.error(`watchers: ${filter}`);
    const wanted = { port, natsUrl, pid, token: ADMIN_TOKEN, watchers, filter, sensors: watchers, rate: changeRate };
    return runChild<WatchersAnswer>("http/watchers.ts", { ...wanted, seconds, warmUpSeconds } satisfies WatchersSettings);
  });
}

async function withService<Measured>(
  { config }: BenchDatabase,
  { options, roles }: Pick<Means, "options"> & { readonly roles?: string },
  act: (service: BenchService) => Promise<Measured>,
): Promise<Measured> {
  const dir = mkdtempSync(join(tmpdir(), "tocsin-bench-"));
  try {
    await using service = await startService({ dir, store: config, partitions: PARTITIONS[options.store], roles });
    return await act(service);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function load({ seconds, warmUpSeconds }: Means, wanted: Omit<LoadSettings, "seconds" | "warmUpSeconds">): Promise<LoadAnswer> {
  return runChild<LoadAnswer>("http/load.ts", { ...wanted, seconds, warmUpSeconds } satisfies LoadSettings);
}

interface Measured {
  readonly reads: Reads;
  readonly lists: LoadAnswer;
  readonly searches: LoadAnswer;
  readonly fruitless: LoadAnswer;
  readonly reports: LoadAnswer;
  readonly bulk: BulkAnswer;
  readonly bulkAlone: BulkAnswer;
  readonly watched: Watched;
}

function result(
  { options, seconds, warmUpSeconds, pairs, listed, watchers, changeRate }: Means,
  { reads: { services, bares }, lists, searches, fruitless, reports, bulk, bulkAlone, watched: { ofAll, ofOne } }: Measured,
): Result {
  const rate = (answers: readonly LoadAnswer[]) => median(answers.map(({ perSecond }) => perSecond));
  const figures = {
    getPerSecond: rate(services),
    bareGetPerSecond: rate(bares),
    getRatio: median(services.map(({ perSecond }, pair) => perSecond / (bares[pair]?.perSecond ?? Number.NaN))),
    getP99Ms: median(services.map(({ p99Ms }) => p99Ms)),
    listP50Ms: lists.p50Ms,
    listP99Ms: lists.p99Ms,
    searchP50Ms: searches.p50Ms,
    searchP99Ms: searches.p99Ms,
    fruitlessP50Ms: fruitless.p50Ms,
    fruitlessP99Ms: fruitless.p99Ms,
    reportsPerSecond: reports.perSecond,
    reportsP99Ms: reports.p99Ms,
    bulkReportsPerSecond: bulk.perSecond,
    bulkRequestP50Ms: bulk.requestP50Ms,
    bulkAloneReportsPerSecond: bulkAlone.perSecond,
    bulkRefused: bulk.refused + bulkAlone.refused,
    sseLagP50Ms: ofAll.lagP50Ms,
    sseLagP99Ms: ofAll.lagP99Ms,
    ssePeakRssMb: ofAll.peakRssMb ?? Number.NaN,
    sseMbPerSecond: ofAll.bytesPerSecond / 1e6,
    sseOneSensorLagP50Ms: ofOne.lagP50Ms,
    sseOneSensorLagP99Ms: ofOne.lagP99Ms,
    sseLost: ofAll.lost + ofOne.lost,
    wrong: [...services, ...bares, lists, searches, fruitless, reports].reduce((sum, { wrong }) => sum + wrong, 0),
  };
  return {
    bench: "http",
    headline: `a sensor is read at ${figures.getRatio.toFixed(2)} of the rate of a bare Bun.serve that answers the same bytes`,
    settings: {
      store: options.store,
      durability: DURABILITY[options.store],
      partitions: PARTITIONS[options.store],
      listedSensors: listed,
      readSensors: Math.min(READ_SENSORS, listed),
      sensors: SENSORS,
      reportBytes: REPORT_BYTES,
      connections: CONNECTIONS,
      listConnections: LIST_CONNECTIONS,
      bulkConnections: BULK_CONNECTIONS,
      bulkItems: BULK_ITEMS,
      watchers,
      changesPerSecond: changeRate,
      seconds,
      warmUpSeconds,
      pairs,
      rates: "no limit",
      cores: navigator.hardwareConcurrency,
    },
    figures,
    notes: [
      `the generator used ${share(services)} of a core beside the service, ${share(bares)} beside the bare server, ${share([reports])} with reports`,
      `the generator of watchers used ${ofAll.cpuShare.toFixed(2)} of a core, the service ${ofAll.serviceCpuShare?.toFixed(2)}; with a sensor each ${ofOne.cpuShare.toFixed(2)} and ${ofOne.serviceCpuShare?.toFixed(2)}`,
      ...(figures.sseLost > 0 ? [`${figures.sseLost} changes had not arrived at watchers when the bench ended`] : []),
      ...(figures.wrong > 0 ? [`${figures.wrong} answers had another status than was wanted`] : []),
    ],
  };
}

function share(answers: readonly LoadAnswer[]): string {
  return median(answers.map(({ cpuShare }) => cpuShare)).toFixed(2);
}
