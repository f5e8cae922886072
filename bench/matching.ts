import type { ChangeData } from "../src/domain/change";
import { refusingClause } from "../src/domain/filter";
import type { WebhookVersion } from "../src/domain/webhook";
import { createMatcher, indexWebhooks } from "../src/notifier/matching";
import type { LoggedChange, PlannedDelivery } from "../src/store/store";
import { median, type Result } from "./figures";
import { SENSORS } from "./fleet";
import { changesOf, type Mix, MIXES, webhooksOf } from "./matching/load";
import type { BenchOptions } from "./run";

const WEBHOOKS = 10_000;
const CHANGES = 2000;
const PAIRS = 3;
/** The index is so much quicker that it is given the changes several times for each time that the loop is. */
const INDEX_ROUNDS = 10;
/** So many changes are matched by both sides first. */
const COMPARED = 200;

interface Settings {
  readonly webhooks: number;
  readonly changes: number;
  readonly sensors: number;
  readonly pairs: number;
}

type Run = Readonly<Record<"buildMs" | "partitionMs" | "micros" | "loopMicros" | "ratio", number>>;

interface Measured {
  readonly mix: Mix;
  readonly micros: number;
  readonly loopMicros: number;
  readonly ratio: number;
  readonly buildMs: number;
  readonly partitionMs: number;
  /** Of one change, on average. */
  readonly deliveries: number;
}

/** The index over filters, and beside it a loop over all of them, in turns in one process, on the same changes. */
export async function benchMatching(options: BenchOptions): Promise<Result> {
  const settings: Settings = {
    webhooks: options.webhooks ?? WEBHOOKS,
    changes: options.calls ?? CHANGES,
    sensors: options.sensors ?? SENSORS,
    pairs: options.pairs ?? PAIRS,
  };
  const changes = changesOf(settings.changes, settings.sensors);
  const measured: Measured[] = [];
  for (const mix of Object.keys(MIXES) as Mix[]) measured.push(await measure(mix, changes, settings));
  return result(
    measured,
    microsOf(changes, INDEX_ROUNDS, ({ data }) => void JSON.parse(data)),
    settings,
  );
}

async function measure(mix: Mix, changes: readonly LoggedChange[], { webhooks, sensors, pairs }: Settings): Promise<Measured> {
  const versions = webhooksOf(mix, webhooks, sensors);
  const deliveries = await demandSame(versions, changes);
  const runs: Run[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const begun = performance.now();
    const indexed = await indexWebhooks({ version: 1, versions });
    const indexedAt = performance.now();
    const matcher = createMatcher(indexed, 0);
    const [buildMs, partitionMs] = [indexedAt - begun, performance.now() - indexedAt];
    const micros = microsOf(changes, INDEX_ROUNDS, (change) => matcher.match(change));
    const loopMicros = microsOf(changes, 1, (change) => matchByLoop(versions, change));
    runs.push({ buildMs, partitionMs, micros, loopMicros, ratio: loopMicros / micros });
  }
  const middle = (figure: keyof Run) => median(runs.map((run) => run[figure]));
  console.error(`${mix}: ${middle("micros").toFixed(1)} µs by the index, ${middle("loopMicros").toFixed(0)} µs by the loop`);
  return {
    mix,
    deliveries,
    buildMs: middle("buildMs"),
    partitionMs: middle("partitionMs"),
    micros: middle("micros"),
    loopMicros: middle("loopMicros"),
    ratio: middle("ratio"),
  };
}

/** Both sides find the same; warms both up, and gives the deliveries of a change. */
async function demandSame(versions: readonly WebhookVersion[], changes: readonly LoggedChange[]): Promise<number> {
  const matcher = createMatcher(await indexWebhooks({ version: 1, versions }), 0);
  const some = changes.slice(0, COMPARED);
  let deliveries = 0;
  for (const change of some) {
    const found = matcher.match(change);
    if (!Bun.deepEquals(found, matchByLoop(versions, change))) throw new Error(`the index and the loop differ on change ${change.number}`);
    deliveries += found.length;
  }
  return deliveries / some.length;
}

function matchByLoop(versions: readonly WebhookVersion[], { data, number }: LoggedChange): PlannedDelivery[] {
  const change = JSON.parse(data) as ChangeData;
  const { sensorId, revision } = change;
  const planned: PlannedDelivery[] = [];
  for (const { webhookId, filter, terms } of versions) {
    if (refusingClause(filter, change) !== null) continue;
    const { begins, minIntervalMs } = terms;
    planned.push({ webhookId, number, sensorId, revision, state: "pending", reason: null, begins, minIntervalMs });
  }
  return planned;
}

/** Processor time of one match: what else runs on the machine hardly moves it. */
function microsOf(changes: readonly LoggedChange[], rounds: number, match: (change: LoggedChange) => unknown): number {
  const begun = process.cpuUsage();
  for (let round = 0; round < rounds; round += 1) for (const change of changes) match(change);
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / (changes.length * rounds);
}

function result(measured: readonly Measured[], parseMicros: number, settings: Settings): Result {
  const figures: Record<string, number> = {};
  for (const { mix, micros, loopMicros, ratio, buildMs, partitionMs, deliveries } of measured) {
    figures[`${mix}Micros`] = micros;
    figures[`${mix}LoopMicros`] = loopMicros;
    figures[`${mix}Ratio`] = ratio;
    figures[`${mix}BuildMs`] = buildMs;
    figures[`${mix}PartitionMs`] = partitionMs;
    figures[`${mix}Deliveries`] = deliveries;
  }
  const { micros, ratio } = measured[0] as Measured;
  return {
    bench: "matching",
    headline: `a change finds its webhooks among ${settings.webhooks} in ${micros.toFixed(1)} µs, ${ratio.toFixed(0)} times as fast as a loop over all`,
    settings: { ...settings, cores: navigator.hardwareConcurrency },
    figures: { ...figures, parseMicros },
    notes: ["each time holds the parsing of the change's text (parseMicros) and the making of its deliveries"],
  };
}
