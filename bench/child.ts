import { resolve } from "node:path";

/** Runs a script of the bench in a process of its own and gives the JSON of its last line. */
export async function runChild<Answer>(script: string, settings: unknown): Promise<Answer> {
  return startChild<Answer>(script, settings).answer;
}

export interface BenchChild<Answer> {
  /** The JSON of its last line, at its end. */
  readonly answer: Promise<Answer>;
  signal(name: NodeJS.Signals): void;
}

/** The same, for a script that goes on until it is told otherwise. */
export function startChild<Answer>(script: string, settings: unknown): BenchChild<Answer> {
  const child = Bun.spawn([process.execPath, resolve(import.meta.dir, script), JSON.stringify(settings)], {
    stdout: "pipe",
    stderr: "inherit",
  });
  return { answer: answerOf<Answer>(script, child), signal: (name) => child.kill(name) };
}

async function answerOf<Answer>(script: string, child: Bun.Subprocess<"ignore", "pipe", "inherit">): Promise<Answer> {
  const text = await new Response(child.stdout).text();
  const exitCode = await child.exited;
  if (exitCode !== 0) throw new Error(`${script} ended with exit code ${exitCode}`);
  return JSON.parse(text.trim().split("\n").at(-1) as string) as Answer;
}

/** The settings that {@link runChild} gave. */
export function childSettings<Settings>(): Settings {
  return JSON.parse(process.argv[2] as string) as Settings;
}
