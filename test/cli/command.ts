import { join } from "node:path";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const DEADLINE_MS = 50_000;

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `tocsin`; whatever a test forgets ends with `await using`. */
export interface RunningCommand extends AsyncDisposable {
  readonly pid: number;
  /** Resolves with the match once what was printed so far, on either stream, matches. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
  ended(): Promise<Ended>;
}

/** Starts the real program. Of the test's own environment only what a program needs to run goes along. */
export function startCommand(words: readonly string[], env: Record<string, string> = {}): RunningCommand {
  const child = Bun.spawn([process.execPath, MAIN, ...words], {
    cwd: join(import.meta.dir),
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const out = collect(child.stdout);
  const err = collect(child.stderr);
  const ended = async () => {
    const exitCode = await within(child.exited, `${words.join(" ")} did not end`);
    return { exitCode, stdout: await out.all, stderr: await err.all };
  };
  return {
    pid: child.pid,
    async printed(pattern) {
      const deadline = performance.now() + DEADLINE_MS;
      for (;;) {
        const hasEnded = child.exitCode !== null || child.signalCode !== null;
        // What it printed last may be read after its end.
        if (hasEnded) await Promise.all([out.all, err.all]);
        const match = pattern.exec(out.text()) ?? pattern.exec(err.text());
        if (match !== null) return match;
        if (performance.now() > deadline || hasEnded) throw new Error(`${pattern} was not printed:\n${out.text()}\n${err.text()}`);
        await Bun.sleep(10);
      }
    },
    signal: (name) => child.kill(name),
    ended,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended();
    },
  };
}

/** Runs the real program to its end. */
export function runCommand(words: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return startCommand(words, env).ended();
}

function collect(stream: ReadableStream<Uint8Array>): { text(): string; readonly all: Promise<string> } {
  let text = "";
  const decoder = new TextDecoder();
  const all = (async () => {
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
    return text;
  })();
  return { text: () => text, all };
}

async function within<Value>(promise: Promise<Value>, message: string): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${message} within ${DEADLINE_MS} ms`)), DEADLINE_MS);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
