import { LRUCache } from "lru-cache";
import type { Caller } from "./bearers";

const KNOWN_MAX = 10_000;
const KNOWN_CHARS_MAX = 16 * 1024 * 1024;
/** Who is in use is looked up again when so much of the time is over, while nobody waits for it. */
const RENEWED_AFTER = 0.6;

export interface Known {
  readonly caller: Caller;
  /** By the monotonic clock. */
  readonly until: number;
  renewAt: number;
  /** Epoch milliseconds; null for no such end. */
  readonly expiresAt: number | null;
}

/**
 * Who was let in lately, by the header as it was sent, so that it costs no hash: only what was valid gets in, and to be found all of it
 * must be the same.
 */
export class KnownCallers {
  readonly #byHeader = new LRUCache<string, Known>({
    max: KNOWN_MAX,
    maxSize: KNOWN_CHARS_MAX,
    sizeCalculation: (_, header) => header.length + 1,
  });

  /** Null when nobody is known by it, or no longer. */
  at(header: string, now: number): Known | null {
    const known = this.#byHeader.get(header);
    if (known === undefined || now >= known.until) return null;
    return known.expiresAt !== null && known.expiresAt <= Date.now() ? null : known;
  }

  wasValid(header: string): boolean {
    return this.#byHeader.has(header);
  }

  /** For `forMs` from `from` on, and not beyond `expiresAt`. */
  remember(header: string, caller: Caller, time: { from: number; forMs: number; expiresAt: number | null }): Caller {
    const { from, forMs, expiresAt } = time;
    this.#byHeader.set(header, { caller, until: from + forMs, renewAt: from + forMs * RENEWED_AFTER, expiresAt });
    return caller;
  }

  forget(header: string): void {
    this.#byHeader.delete(header);
  }

  forgetToken(tokenId: string): void {
    for (const [header, { caller }] of this.#byHeader.entries()) {
      if (caller.kind === "token" && caller.id === tokenId) this.#byHeader.delete(header);
    }
  }
}
