/** Whether those who watch would still be let in, asked again and again: of each credential once, for all who came with it. */
import type { WatchWish } from "./ports";

type Wish = Pick<WatchWish, "credential" | "stillLetIn">;

interface Holders<Watcher> {
  readonly watchers: Set<Watcher>;
  /** An answer is waited for. */
  asked: boolean;
}

export class Credentials<Watcher extends { readonly wish: Wish }> {
  readonly #holders = new Map<string, Holders<Watcher>>();

  add(watcher: Watcher): void {
    const { credential } = watcher.wish;
    const known = this.#holders.get(credential) ?? { watchers: new Set(), asked: false };
    known.watchers.add(watcher);
    this.#holders.set(credential, known);
  }

  delete(watcher: Watcher): void {
    const { credential } = watcher.wish;
    const known = this.#holders.get(credential);
    known?.watchers.delete(watcher);
    if (known?.watchers.size === 0) this.#holders.delete(credential);
  }

  /** Calls `refused` with those that are out; at once where that is known. Who has to be looked up keeps nobody else waiting. */
  ask(refused: (watcher: Watcher) => void): void {
    for (const holders of this.#holders.values()) {
      const [one] = holders.watchers;
      if (one === undefined || holders.asked) continue;
      const answered = (isIn: boolean) => {
        holders.asked = false;
        if (!isIn) for (const watcher of holders.watchers) refused(watcher);
      };
      const answer = one.wish.stillLetIn();
      if (!(answer instanceof Promise)) answered(answer);
      else {
        holders.asked = true;
        void answer.then(answered);
      }
    }
  }
}
