/** How long a command lives: until it is done, or until somebody wants it to end. */
import { readFileSync } from "node:fs";

/** A launcher passes on the Ctrl-C that the terminal has sent to everybody: what comes this soon is the same key press. */
const SAME_PRESS_MS = 500;
const PARENT_LOOK_MS = 250;
const EXIT_INTERRUPTED = 130;

export interface Lifetime extends Disposable {
  /** Resolves with why, once somebody wants us to end. */
  readonly asked: Promise<string>;
  isAsked(): boolean;
  /** Asks for the end from within; nothing happens where somebody has asked before. */
  end(reason: string): void;
}

export interface LifetimeOptions {
  /** End when the parent is gone: npm dies from SIGTERM without telling its child. */
  readonly launched: boolean;
  /** How long an orderly end may take before it is forced, with exit code 1. */
  readonly deadlineMs: number;
}

/** Takes over SIGINT, SIGTERM and SIGHUP until it is disposed. A second Ctrl-C ends the process at once. */
export function openLifetime({ launched, deadlineMs }: LifetimeOptions): Lifetime {
  const { promise: asked, resolve } = Promise.withResolvers<string>();
  let askedAt: number | null = null;
  let deadline: Timer | undefined;

  const ask = (reason: string) => {
    const now = performance.now();
    if (askedAt === null) {
      askedAt = now;
      deadline = setTimeout(() => endNow(`not ended after ${deadlineMs / 1000} s; forced`, 1), deadlineMs);
      resolve(reason);
    } else if (now - askedAt > SAME_PRESS_MS && reason !== PARENT_GONE) {
      endNow("ended at once", EXIT_INTERRUPTED);
    }
  };

  const signals = (["SIGINT", "SIGTERM", "SIGHUP"] as const).filter((name) => name !== "SIGHUP" || !isHangupIgnored());
  const handlers = signals.map((name) => [name, () => ask(name)] as const);
  for (const [name, handler] of handlers) process.on(name, handler);
  const parent = process.ppid;
  const look = launched ? setInterval(() => process.ppid !== parent && ask(PARENT_GONE), PARENT_LOOK_MS) : undefined;
  look?.unref();

  return {
    asked,
    isAsked: () => askedAt !== null,
    end(reason) {
      if (askedAt === null) ask(reason);
    },
    [Symbol.dispose]() {
      for (const [name, handler] of handlers) process.off(name, handler);
      clearInterval(look);
      clearTimeout(deadline);
    },
  };
}

const PARENT_GONE = "the parent is gone";

/** Exit listeners still run: the supervisor of nats-server and the commands that we have started end their children there. */
function endNow(why: string, exitCode: number): never {
  console.error(`tocsin: ${why}`);
  process.exit(exitCode);
}

/** Under nohup a closed terminal is no reason to end; a listener of ours would undo that. */
function isHangupIgnored(): boolean {
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
    return (Number.parseInt(mask.slice(-1), 16) & 1) === 1;
  } catch {
    return false;
  }
}
