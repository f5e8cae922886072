import { collectEvidence, streamEnds } from "../test/ledger/collect";
import type { Evidence, ReplayAsked } from "../test/ledger/evidence";
import { caughtUp, settled } from "../test/recovery/settled";
import { Backlogs } from "./backlogs";
import { type Figures, figuresOf } from "./figures";
import type { ChaosOptions } from "./options";
import { planOf, type Round, sentenceOf } from "./plan";
import { STRUCK } from "./receivers";
import { askForReplay } from "./replays";
import { type Stage, setStage } from "./stage";
import { perform, performAt } from "./strikes";
import { type Broken, judge, stuck } from "./verdict";

/** After a strike, every partition must have caught up within this. */
const RECOVERY_MS = 120_000;
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
  const { nodes, brokers, fleet, operators, receivers } = stage;
  const settings = { ...options, natsServer: brokers.version, servers: brokers.urls.length, database: "postgres" };
  const startedAt = performance.now();
  const broken: Broken[] = [];
  let evidence: Evidence | null = null;
  const catchUps: number[] = [];
  const asked: ReplayAsked[] = [];
  let quietMs = 0;
  const backlogs = new Backlogs(stage.databaseUrl, ({ endpoint, kind, ms }) =>
    say(`  ${endpoint} had all that it was owed ${ms} ms after ${kind}`),
  );
  try {
    for (const [index, round] of planOf({ ...options, brokers: brokers.urls.length, endpoints: STRUCK }).entries()) {
      const at = Math.round((performance.now() - startedAt) / 1000);
      say(`${at} s, round ${index + 1}: ${round.strikes.map(sentenceOf).join(" · ")}`);
      catchUps.push(await act({ stage, backlogs, asked, partitions: options.partitions, say }, round));
      say(`  caught up after ${Math.round(catchUps.at(-1) ?? 0)} ms`);
    }
    await Bun.sleep(CALM_AT_END_MS);
    await operators.stop();
    await fleet.stop();
    for (const receiver of receivers) await receiver.heal();
    say("waiting until nothing is owed any more");
    const quietFrom = performance.now();
    await settled(stage.databaseUrl, await endsOf(stage, options.partitions), QUIET_MS);
    quietMs = performance.now() - quietFrom;
  } catch (error) {
    broken.push(stuck(error, nodes));
    await operators.stop().catch(() => {});
    await fleet.stop().catch(() => {});
  }
  await backlogs.stop().catch(() => {});
  try {
    evidence = { ...(await evidenceOf(stage, options.partitions, asked)), edits: operators.edits };
    broken.push(...judge(evidence, nodes));
  } catch (error) {
    broken.push(stuck(error, nodes));
  }
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    broken,
    evidence,
    settings,
    figures: figuresOf({ evidence, catchUps, backlogs: backlogs.caughtUp, nodes, operators, quietMs, seconds }),
  };
}

interface Acting {
  readonly stage: Stage;
  readonly backlogs: Backlogs;
  /** Gains what the round asks for. */
  readonly asked: ReplayAsked[];
  readonly partitions: number;
  readonly say: (line: string) => void;
}

/** One round; gives how long it took until all that had been said by its end was in the log, and planned. */
async function act({ stage, backlogs, asked, partitions, say }: Acting, { calmMs, replay, strikes }: Round): Promise<number> {
  await Bun.sleep(calmMs);
  if (replay !== null) {
    const taken = await askForReplay(replay, stage);
    const what = `replay (${replay.which}) of ${replay.endpoint}`;
    say(taken === null ? `  ${what}: another one runs` : `  ${what}: ${taken.due.length} deliveries at least`);
    if (taken !== null) asked.push(taken);
  }
  const results = await Promise.allSettled(
    strikes.map(async (strike) => {
      if (!("endpoint" in strike)) return perform(strike, stage);
      await performAt(strike, stage);
      const { kind, endpoint } = strike;
      const webhookId = stage.receivers.find(({ name }) => name === endpoint)?.webhookId ?? "";
      backlogs.expect({ kind, endpoint, webhookId });
    }),
  );
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

function evidenceOf(
  { databaseUrl, brokers, fleet, receivers }: Stage,
  partitions: number,
  asked: readonly ReplayAsked[],
): Promise<Evidence> {
  const arrivals = receivers.flatMap((receiver) => receiver.arrivals());
  const witnessed = { acknowledged: fleet.acknowledged, arrivals, asked };
  return collectEvidence({ database: databaseUrl, natsUrls: brokers.urls, partitions }, witnessed);
}
