import { expect, test } from "bun:test";
import { SYNC_INTERVAL_VERSION } from "../../src/jetstream/embedded/conf";
import { readVersion } from "../../src/jetstream/embedded/found";
import { atLeast } from "../../src/jetstream/embedded/version";
import { testNatsBinary } from "../servers/natsServer";
import { printedResult, runBench } from "./run";

const BENCH_MS = 180_000;
/** Three nodes, a database and a broker start, two nodes end and come back. */
const FAILOVER_MS = 240_000;
/** Some of the endpoints hang, and what they are owed is waited for; or all were away, and the node tries them again in its own time. */
const ENDPOINTS_MS = 240_000;
/** Three databases and three brokers. */
const SCALE_MS = 300_000;

function expectNumbers(figures: Readonly<Record<string, unknown>>, names: readonly string[]): void {
  for (const name of names) expect([name, figures[name]]).toEqual([name, expect.any(Number)]);
}

test(
  "pipeline prints its figures under their fixed names, with the settings that they hold for",
  async () => {
    const run = await runBench("pipeline", "--reports", "20000", "--sensors", "500", "--pairs", "1", "--json");
    const { bench, settings, figures } = printedResult(run);
    expect(bench).toBe("pipeline");
    expectNumbers(figures, ["reportsPerSecond", "referencePerSecond", "ratio", "bareLoopPerSecond", "bareLoopRatio", "peakRssMb"]);
    expect(settings).toMatchObject({ store: "sqlite", sensors: 500, reports: 20_000, pairs: 1, reportBytes: 200, changeShare: 0.05 });
    expect(settings["durability"]).toContain("synchronous=FULL");
  },
  BENCH_MS,
);

test(
  "latency prints its figures under their fixed names, and every change that was timed has arrived",
  async () => {
    const run = await runBench("latency", "--rate", "400", "--seconds", "2", "--warm-up", "1", "--sensors", "50", "--json");
    const { bench, settings, figures } = printedResult(run);
    expect(bench).toBe("latency");
    expectNumbers(figures, ["p50Ms", "p99Ms", "maxMs", "reportsPerSecond", "changesPerSecond"]);
    expect(figures["missing"]).toBe(0);
    expect(settings).toMatchObject({ store: "sqlite", sensors: 50, rate: 400, seconds: 2, warmUpSeconds: 1, changeShare: 0.05 });
    expect(settings["durability"]).toContain("synchronous=FULL");
  },
  BENCH_MS,
);

test(
  "sync prints its figures under their names, and waits for the disk with one side alone; a broker that cannot is refused",
  async () => {
    const run = await runBench("sync", "--seconds", "1", "--warm-up", "1", "--sensors", "50", "--pairs", "1", "--json");
    if (!atLeast(await readVersion(await testNatsBinary()), SYNC_INTERVAL_VERSION)) {
      expect(run.exitCode).toBe(1);
      expect(run.complaint).toContain("has no sync_interval");
      return;
    }
    const { bench, settings, figures } = printedResult(run);
    expect(bench).toBe("sync");
    const sides = ["publishesPerSecond", "alwaysPublishesPerSecond", "p50Ms", "p99Ms", "alwaysP50Ms", "alwaysP99Ms"];
    expectNumbers(figures, ["ratio", "p50Ratio", "diskMs", ...sides]);
    expect(Number(figures["ratio"])).toBeLessThan(1);
    expect(settings).toMatchObject({ seconds: 1, warmUpSeconds: 1, sensors: 50, pairs: 1, reportBytes: 200, inFlight: 500, copies: 1 });
  },
  BENCH_MS,
);

test(
  "matching prints its figures under their fixed names, of every mix of webhooks",
  async () => {
    const run = await runBench("matching", "--webhooks", "300", "--calls", "50", "--pairs", "1", "--json");
    const { bench, settings, figures } = printedResult(run);
    expect(bench).toBe("matching");
    for (const mix of ["mixed", "sensorIds", "labels", "broad", "everybody"]) {
      expectNumbers(figures, [`${mix}Micros`, `${mix}LoopMicros`, `${mix}Ratio`, `${mix}BuildMs`, `${mix}PartitionMs`]);
    }
    expect([figures["broadDeliveries"], figures["everybodyDeliveries"]]).toEqual([0, 300]);
    expect(settings).toMatchObject({ webhooks: 300, changes: 50, sensors: 10_000, pairs: 1 });
  },
  BENCH_MS,
);

test(
  "failover prints its figures under their fixed names; whichever way a node ended, no change is missing",
  async () => {
    const run = await runBench("failover", "--rounds", "1", "--rate", "200", "--sensors", "200", "--json");
    const { bench, settings, figures } = printedResult(run);
    expect(bench).toBe("failover");
    expectNumbers(figures, ["sigtermPauseMs", "crashPauseMs"]);
    expect(figures["missing"]).toBe(0);
    expect(settings).toMatchObject({ store: "postgres", nodes: 3, partitions: 16, sensors: 200, rate: 200, rounds: 1 });
    expect(settings["durability"]).toContain("fsync");
  },
  FAILOVER_MS,
);

test.each(["postgres", "sqlite"])(
  "deliver on %s prints its figures under their fixed names, and sends nothing twice",
  async (store) => {
    const small = ["--deliveries", "500", "--endpoints", "5", "--sensors", "50", "--pairs", "1"];
    const { bench, settings, figures } = printedResult(await runBench("deliver", "--store", store, ...small, "--json"));
    expect(bench).toBe("deliver");
    expectNumbers(figures, ["deliveriesPerSecond", "referencePerSecond", "ratio"]);
    expect(figures["repeats"]).toBe(0);
    expect(settings).toMatchObject({ store, deliveries: 500, endpoints: 5, sensors: 50, pairs: 1 });
  },
  ENDPOINTS_MS,
);

test(
  "isolation prints its figures under their fixed names, and what is owed to endpoints that answer arrives while others hang",
  async () => {
    const small = ["--rate", "100", "--seconds", "2", "--warm-up", "1", "--endpoints", "10", "--sensors", "50", "--partitions", "1"];
    const { bench, settings, figures } = printedResult(await runBench("isolation", ...small, "--json"));
    expect(bench).toBe("isolation");
    expectNumbers(figures, ["p99RatioAt10", "p99RatioAt50"]);
    expect(figures["missing"]).toBe(0);
    expect(settings).toMatchObject({ store: "postgres", endpoints: 10, hanging: "1, 5", rate: 100, seconds: 2, warmUpSeconds: 1 });
  },
  ENDPOINTS_MS,
);

test(
  "drain prints its figures under their fixed names once all that was owed has its outcome",
  async () => {
    const small = ["--deliveries", "500", "--endpoints", "5", "--sensors", "20", "--seconds", "1", "--partitions", "1"];
    const { bench, settings, figures } = printedResult(await runBench("drain", ...small, "--json"));
    expect(bench).toBe("drain");
    expectNumbers(figures, ["deliveriesPerSecond", "secondsToEmpty", "peakRssMb"]);
    expect(settings).toMatchObject({ store: "postgres", deliveries: 500, endpoints: 5, lanes: 100, outageSeconds: 1 });
  },
  ENDPOINTS_MS,
);

test(
  "http prints its figures under their fixed names, every answer was the one that was wanted, and no watcher missed anything",
  async () => {
    const small = ["--sensors", "2000", "--seconds", "1", "--warm-up", "1", "--pairs", "1", "--watchers", "20", "--rate", "50"];
    const { bench, settings, figures } = printedResult(await runBench("http", ...small, "--json"));
    expect(bench).toBe("http");
    expectNumbers(figures, ["getPerSecond", "getRatio", "listP99Ms", "reportsPerSecond", "bulkReportsPerSecond", "sseLagP99Ms"]);
    expect([figures["wrong"], figures["bulkRefused"], figures["sseLost"]]).toEqual([0, 0, 0]);
    expect(settings).toMatchObject({ store: "sqlite", listedSensors: 2000, seconds: 1, warmUpSeconds: 1, pairs: 1, watchers: 20 });
  },
  ENDPOINTS_MS,
);

test.each(["postgres", "sqlite"])(
  "scale on %s prints its figures under their fixed names",
  async (store) => {
    const small = ["--sensors", "5000", "--reports", "10000", "--rounds", "1", "--rows", "20000", "--calls", "20"];
    const { bench, settings, figures } = printedResult(await runBench("scale", "--store", store, ...small, "--json"));
    expect(bench).toBe("scale");
    expectNumbers(figures, ["costRatio100k", "costRatio1m", "rssMb1m", "queryRatioP99"]);
    expect(settings).toMatchObject({ store, sensors: "5, 500, 5000", reports: 10_000, rounds: 1, logRows: 20_000, shortLogRows: 200 });
  },
  SCALE_MS,
);

test.each([
  ["an unknown flag", ["pipeline", "--fast"]],
  ["an unknown bench", ["speed"]],
  ["no bench", []],
  ["a store that cannot be measured", ["pipeline", "--store", "mysql"]],
  ["a store without several nodes", ["failover", "--store", "sqlite"]],
  ["a count that is none", ["latency", "--rate", "many"]],
  ["too few reports to time", ["pipeline", "--reports", "10"]],
])("%s is refused with the usage and exit code 2, before anything runs", async (_, args) => {
  const { exitCode, output, complaint } = await runBench(...args);
  expect(exitCode).toBe(2);
  expect(complaint).toContain("Usage: npm run bench -- <name>");
  expect(output).toBe("");
});
