import { collectEvidence, streamEnds } from "../test/ledger/collect";
import type { Evidence } from "../test/ledger/evidence";
import { settled } from "../test/recovery/settled";
import { type Figures, figuresOf } from "./figures";
import type { ChaosOptions } from "./options";
import { planOf, type Round, sentenceOf } from "./plan";
import { type Stage, setStage } from "./stage";
import { perform } from "./strikes";
import { type Broken, judge, stuck } from "./verdict";

/** After a strike, work must have gone on within this. */
const RECOVERY_MS = 60_000;
/** Acknowledgements, and arrivals at the receiver that takes everything, in which work is seen to go on. */
const STEADY = { acknowledged: 100, arrivals: 5 };
const CALM_AT_END_MS = 1500;
const QUIET_MS = 120_000;
const LOOK_MS = 20;

export interface Outcome {
  readonly broken: readonly Broken[];
  /** Null when it could not be collected. */
  readonly evidence: Evidence | null;
  readonly figures: Figures;
  readonly settings: Readonly<Record<string, string | number | boolean>>;
}

/** Runs it all. `say` is told each step in a line. */
export async function runChaos(options: ChaosOptions, say: (line: string) => void): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const stage = await setStage(stack, options);
  const { nodes, brokers, fleet, receivers } = stage;
  const settings = { ...options, natsServer: brokers.version, servers: brokers.urls.length, database: "postgres" };
  const startedAt = performance.now();
  const broken: Broken[] = [];
  let evidence: Evidence | null = null;
  let quietMs = 0;
  try {
    for (const [index, round] of planOf({ ...options, brokers: brokers.urls.length }).entries()) await act(stage, round, { index, say });
    await Bun.sleep(CALM_AT_END_MS);
    await fleet.stop();
    for (const receiver of receivers) receiver.heal();
    say("waiting until nothing is owed any more");
    const quietFrom = performance.now();
    await settled(stage.databaseUrl, await streamEnds({ natsUrls: brokers.urls, partitions: options.partitions }), QUIET_MS);
    quietMs = performance.now() - quietFrom;
  } catch (error) {
    broken.push(stuck(error, nodes));
  }
  try {
    evidence = await evidenceOf(stage, options.partitions);
    broken.push(...judge(evidence, nodes));
  } catch (error) {
    broken.push(stuck(error, nodes));
  }
  const seconds = (performance.now() - startedAt) / 1000;
  return { broken, evidence, settings, figures: figuresOf({ evidence, rounds: options.rounds, nodes, quietMs, seconds }) };
}

async function act(
  stage: Stage,
  { calmMs, strikes }: Round,
  { index, say }: { index: number; say: (line: string) => void },
): Promise<void> {
  await Bun.sleep(calmMs);
  say(`round ${index + 1}: ${strikes.map(sentenceOf).join(" · ")}`);
  const results = await Promise.allSettled(strikes.map((strike) => perform(strike, stage)));
  for (const result of results) if (result.status === "rejected") throw result.reason;
  const before = { acknowledged: stage.fleet.acknowledged.length, arrivals: arrived(stage) };
  const deadline = performance.now() + RECOVERY_MS;
  for (;;) {
    const acknowledged = stage.fleet.acknowledged.length - before.acknowledged;
    const arrivals = arrived(stage) - before.arrivals;
    if (acknowledged >= STEADY.acknowledged && arrivals >= STEADY.arrivals) return;
    if (performance.now() > deadline)
      throw new Error(`${RECOVERY_MS} ms after round ${index + 1} only ${acknowledged} acknowledgements and ${arrivals} arrivals more`);
    await Bun.sleep(LOOK_MS);
  }
}

/** At the receiver that takes everything. */
function arrived({ receivers }: Stage): number {
  return receivers[0]?.count() ?? 0;
}

function evidenceOf({ databaseUrl, brokers, fleet, receivers }: Stage, partitions: number): Promise<Evidence> {
  const arrivals = receivers.flatMap((receiver) => receiver.arrivals());
  return collectEvidence({ database: databaseUrl, natsUrls: brokers.urls, partitions }, { acknowledged: fleet.acknowledged, arrivals });
}
