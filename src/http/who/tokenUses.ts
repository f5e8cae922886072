import { LRUCache } from "lru-cache";
import type { TokenStore } from "../../store/store";

/** How exactly a token's last use is told. */
const TOUCH_EVERY_MS = 60_000;
/** Uses are written down beside the requests, together. */
const TOUCH_AFTER_MS = 1000;
const NOTED_MAX = 10_000;

/** Writes down when tokens were last used, each at most once a minute, and never while a request waits for it. */
export function openTokenUses(tokens: Pick<TokenStore, "touchToken">) {
  const noted = new LRUCache<string, true>({ max: NOTED_MAX, ttl: TOUCH_EVERY_MS });
  const waiting = new Map<string, number>();
  let timer: Timer | null = null;

  async function write(): Promise<void> {
    timer = null;
    const due = [...waiting];
    waiting.clear();
    // Only people read it, and the next use tells again: no reason to fail, or to say anything.
    await Promise.allSettled(due.map(([id, usedAt]) => tokens.touchToken(id, usedAt)));
  }

  return {
    note(id: string, usedAt: number): void {
      if (noted.has(id)) return;
      noted.set(id, true);
      waiting.set(id, usedAt);
      timer ??= setTimeout(() => void write(), TOUCH_AFTER_MS);
    },
    async stop(): Promise<void> {
      if (timer !== null) clearTimeout(timer);
      await write();
    },
  };
}
