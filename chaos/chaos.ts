import { collectEvidence, streamEnds } from "../test/ledger/collect";
import type { Evidence } from "../test/ledger/evidence";
import { caughtUp, settled } from "../test/recovery/settled";
import { type Figures, figuresOf } from "./figures";
import type { ChaosOptions } from "./options";
import { planOf, type Round, sentenceOf } from "./plan";
import { type Stage, setStage } from "./stage";
import { perform } from "./strikes";
import { type Broken, judge, stuck } from "./verdict";

/** After a strike, every partition must have caught up within this. */
const RECOVERY_MS = 60_000;
const CALM_AT_END_MS = 1500;
const QUIET_MS = 120_000;
const LOOK_MS = 100;

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
  const catchUps: number[] = [];
  let quietMs = 0;
  try {
    for (const [index, round] of planOf({ ...options, brokers: brokers.urls.length }).entries()) {
      const at = Math.round((performance.now() - startedAt) / 1000);
      say(`${at} s, round ${index + 1}: ${round.strikes.map(sentenceOf).join(" · ")}`);
      catchUps.push(await act(stage, round, options.partitions));
      say(`  caught up after ${Math.round(catchUps.at(-1) ?? 0)} ms`);
    }
    await Bun.sleep(CALM_AT_END_MS);
    await fleet.stop();
    for (const receiver of receivers) receiver.heal();
    say("waiting until nothing is owed any more");
    const quietFrom = performance.now();
    await settled(stage.databaseUrl, await endsOf(stage, options.partitions), QUIET_MS);
    quietMs = performance.now() - quietFrom;
  } catch (error) {
    broken.push(stuck(error, nodes));
    await fleet.stop().catch(() => {});
  }
  try {
    evidence = await evidenceOf(stage, options.partitions);
    broken.push(...judge(evidence, nodes));
  } catch (error) {
    broken.push(stuck(error, nodes));
  }
  const seconds = (performance.now() - startedAt) / 1000;
  return { broken, evidence, settings, figures: figuresOf({ evidence, catchUps, nodes, quietMs, seconds }) };
}

/** One round; gives how long it took until all that had been said by its end was in the log, and planned. */
async function act(stage: Stage, { calmMs, strikes }: Round, partitions: number): Promise<number> {
  await Bun.sleep(calmMs);
  const results = await Promise.allSettled(strikes.map((strike) => perform(strike, stage)));
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return caughtUp(stage.databaseUrl, await endsOf(stage, partitions), RECOVERY_MS);
}

/** Asked again while the servers choose who leads. */
async function endsOf({ brokers }: Stage, partitions: number): Promise<Awaited<ReturnType<typeof streamEnds>>> {
  const deadline = performance.now() + RECOVERY_MS;
  for (;;) {
    try {
      return await streamEnds({ natsUrls: brokers.urls, partitions });
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await Bun.sleep(LOOK_MS);
    }
  }
}

function evidenceOf({ databaseUrl, brokers, fleet, receivers }: Stage, partitions: number): Promise<Evidence> {
  const arrivals = receivers.flatMap((receiver) => receiver.arrivals());
  return collectEvidence({ database: databaseUrl, natsUrls: brokers.urls, partitions }, { acknowledged: fleet.acknowledged, arrivals });
}
