/** Places of which a node has few: so many in all, and a share of them for each caller, so that nobody holds all of them. */
import { Shares } from "../domain/shares";
import type { Call } from "./calls";
import { callerKey } from "./gate/rates";
import { Refusal } from "./problems";

export interface PlaceLimits {
  readonly all: number;
  readonly perCaller: number;
  /** What takes them, in the plural. */
  readonly what: string;
}

export class Places {
  readonly #shares: Shares;

  constructor(private readonly limits: PlaceLimits) {
    this.#shares = new Shares({ all: limits.all, each: limits.perCaller });
  }

  /** Gives how to give it back, which may be called again and again. Throws {@link Refusal}: 429 beyond the caller's share, 503 where none is left. */
  take(caller: string): () => void {
    const { all, perCaller, what } = this.limits;
    const taken = this.#shares.take(caller);
    if (taken === "each") {
      const detail = `${perCaller} ${what} of yours are already running on this node, as many as one caller may have: try again when one has ended.`;
      throw new Refusal(429, detail, { limit: what });
    }
    if (taken === "all")
      throw new Refusal(503, `${all} ${what} are already running on this node: try again when one has ended.`, { limit: what });
    return taken;
  }
}

/** Whose place it is: that of a token or of the subject of a JWT; of the address where anybody may ask. */
export function placeHolder({ caller, address }: Pick<Call, "caller" | "address">): string {
  return caller === null ? `address:${address}` : callerKey(caller);
}
