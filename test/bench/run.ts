import { join } from "node:path";
import { expect } from "bun:test";
import { testNatsBinary } from "../servers/natsServer";

const RUN = join(import.meta.dir, "../../bench/run.ts");

export interface BenchRun {
  readonly exitCode: number;
  readonly output: string;
  readonly complaint: string;
}

/** Runs `bench/run.ts` as `npm run bench` does. */
export async function runBench(...args: readonly string[]): Promise<BenchRun> {
  const env = { ...process.env, NATS_SERVER_BIN: await testNatsBinary(), ADMIN_TOKEN: undefined };
  const child = Bun.spawn([process.execPath, "--no-env-file", RUN, ...args], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [output, complaint] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { exitCode: await child.exited, output, complaint };
}

export interface PrintedResult {
  readonly bench: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly figures: Readonly<Record<string, unknown>>;
}

/** The object in the last line of a run that succeeded. */
export function printedResult({ exitCode, output, complaint }: BenchRun): PrintedResult {
  expect({ exitCode, complaint: exitCode === 0 ? "" : complaint }).toEqual({ exitCode: 0, complaint: "" });
  return JSON.parse(output.trimEnd().split("\n").at(-1) as string) as PrintedResult;
}
