/** What runs now, and can be given up. */
export class Running {
  readonly #runs = new Map<Promise<void>, AbortController>();

  /** `act` never rejects; it ends soon after it is aborted. */
  start(act: (abort: AbortController) => Promise<void>): void {
    const abort = new AbortController();
    const run = act(abort).finally(() => this.#runs.delete(run));
    this.#runs.set(run, abort);
  }

  /** Resolves when all have ended; what runs longer than `graceMs` is given up. */
  async stop(graceMs: number): Promise<void> {
    const grace = setTimeout(() => {
      for (const abort of this.#runs.values()) abort.abort();
    }, graceMs);
    await Promise.all(this.#runs.keys());
    clearTimeout(grace);
  }
}
