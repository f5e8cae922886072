import { type ServerChild, type ServerProgram, startChild } from "./child";

const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 5_000;
/** A child that lived so long had started well: the next wait is the shortest again. */
const STEADY_MS = 10_000;

export interface SupervisorOptions {
  readonly program: ServerProgram;
  /** Told of each child's process id. */
  readonly started: (pid: number) => void;
  /** Told how the last child ended, before the next one is started. */
  readonly restarting: (exit: string) => void;
}

/** Keeps one child running until it is stopped. */
export class Supervisor {
  #child: ServerChild | null = null;
  #pid = 0;
  #watching: Promise<void> = Promise.resolve();
  readonly #stopping = Promise.withResolvers<void>();
  #stopped = false;

  constructor(private readonly options: SupervisorOptions) {
    process.once("exit", this.#leaving);
  }

  /** The last child's process id. */
  get pid(): number {
    return this.#pid;
  }

  start(): ServerChild {
    const child = startChild(this.options.program);
    this.#child = child;
    if (child.pid !== null) {
      this.#pid = child.pid;
      this.#tell(child.pid);
    }
    return child;
  }

  /** From now on a child that ends is replaced. */
  watch(): void {
    this.#watching = this.#replaceForEver();
  }

  /** Ends the child, so that it is replaced. */
  replace(deadlineMs: number): void {
    if (this.#child !== null && !this.#stopped) void end(this.#child, deadlineMs);
  }

  /** SIGTERM, SIGKILL after `deadlineMs`; resolves once the child is gone. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopped = true;
    this.#stopping.resolve();
    if (this.#child !== null) await end(this.#child, deadlineMs);
    await this.#watching;
    process.off("exit", this.#leaving);
  }

  async #replaceForEver(): Promise<void> {
    let backoffMs = BACKOFF_MIN_MS;
    while (!this.#stopped && this.#child !== null) {
      const startedAt = performance.now();
      const exit = await this.#child.exited;
      if (this.#stopped) return;
      if (performance.now() - startedAt >= STEADY_MS) backoffMs = BACKOFF_MIN_MS;
      this.options.restarting(exit);
      await Promise.race([Bun.sleep(backoffMs), this.#stopping.promise]);
      if (this.#stopped) return;
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS);
      this.start();
    }
  }

  #tell(pid: number): void {
    try {
      this.options.started(pid);
    } catch {
      // A full disk must not end the watch; what is not written down serves only a start after we were killed.
    }
  }

  /** Where the system does not end the child with us, this does for every way out but SIGKILL. */
  readonly #leaving = (): void => this.#child?.kill("SIGTERM");
}

async function end(child: ServerChild, deadlineMs: number): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
  await child.exited;
  clearTimeout(timer);
}
