/** `npm run chaos -- [options]`: breaks a running service in every way that it must survive, and checks what it promised. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Evidence } from "../test/ledger/evidence";
import { type Outcome, runChaos } from "./chaos";
import { type Chosen, readOptions, USAGE } from "./options";
import { describeBroken, judge } from "./verdict";

let chosen: Chosen | null;
try {
  chosen = readOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n\n${USAGE}`);
  process.exit(2);
}
if (chosen === null) {
  console.log(USAGE);
  process.exit(0);
}
try {
  process.exit(await run(chosen));
} catch (error) {
  // Nothing was tested.
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

/** Gives the exit code. */
async function run({ options, json, keep, judged }: Chosen): Promise<number> {
  if (judged !== null) return tell({ broken: judge(JSON.parse(readFileSync(judged, "utf8")) as Evidence, []) });
  console.log(`seed ${options.seed}`);
  const outcome = await runChaos(options, (line) => console.log(line));
  if (keep !== null) writeFileSync(keep, JSON.stringify(outcome.evidence));
  const code = tell(outcome);
  const { settings, figures } = outcome;
  if (json) console.log(JSON.stringify({ chaos: wordFor(outcome), settings, figures }));
  return code;
}

function tell({ broken, figures = {} }: Pick<Outcome, "broken"> & Partial<Outcome>): number {
  const rows = Object.entries(figures).map(([name, value]) => `  ${name.padEnd(30)} ${value}`);
  console.log([describeBroken(broken), ...rows, wordFor({ broken })].filter((line) => line !== "").join("\n"));
  return broken.length === 0 ? 0 : 1;
}

function wordFor({ broken }: Pick<Outcome, "broken">): string {
  return broken.length === 0 ? "every promise was kept" : `${broken.length} broken promises`;
}
