/** What reads the store in the background. */
export class Readings {
  readonly #running = new Set<Promise<void>>();
  #stopped = false;

  constructor(private readonly options: { readonly ended: () => void; readonly failed: (error: unknown) => void }) {}

  start(act: () => Promise<void>): void {
    if (this.#stopped) return;
    const { ended, failed } = this.options;
    const run = act()
      .then(ended)
      .catch(failed)
      .finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Begins none any more; resolves when all have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }
}
