/** Whether those who watch would still be let in, asked again and again: of each credential once, for all who came with it. */
import type { WatchWish } from "./ports";

type Wish = Pick<WatchWish, "credential" | "stillLetIn">;

export class Credentials<Watcher extends { readonly wish: Wish }> {
  readonly #watchers = new Map<string, Set<Watcher>>();
  /** Those that are yet to be asked in this round. */
  #round: string[] = [];

  add(watcher: Watcher): void {
    const { credential } = watcher.wish;
    const known = this.#watchers.get(credential) ?? new Set();
    this.#watchers.set(credential, known.add(watcher));
  }

  delete(watcher: Watcher): void {
    const { credential } = watcher.wish;
    const known = this.#watchers.get(credential);
    known?.delete(watcher);
    if (known?.size === 0) this.#watchers.delete(credential);
  }

  /** Asks one part of so many, a round being all of them, and calls `refused` with those that are out. */
  async ask(parts: number, refused: (watcher: Watcher) => void): Promise<void> {
    if (this.#round.length === 0) this.#round = [...this.#watchers.keys()];
    const asked = this.#round.splice(0, Math.ceil(this.#watchers.size / parts));
    await Promise.all(
      asked.map(async (credential) => {
        const [one] = this.#watchers.get(credential) ?? [];
        if (one === undefined || (await one.wish.stillLetIn())) return;
        for (const watcher of this.#watchers.get(credential) ?? []) refused(watcher);
      }),
    );
  }
}
