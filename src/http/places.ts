/** Places of which a node has few: so many in all, and a share of them for each caller, so that nobody holds all of them. */
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
  readonly #byCaller = new Map<string, number>();
  #taken = 0;

  constructor(private readonly limits: PlaceLimits) {}

  /** Gives how to give it back, which may be called again and again. Throws {@link Refusal}: 429 beyond the caller's share, 503 where none is left. */
  take(caller: string): () => void {
    const { all, perCaller, what } = this.limits;
    const own = this.#byCaller.get(caller) ?? 0;
    if (own >= perCaller) {
      const detail = `${perCaller} ${what} of yours are already running on this node, as many as one caller may have: try again when one has ended.`;
      throw new Refusal(429, detail, { limit: what });
    }
    if (this.#taken >= all)
      throw new Refusal(503, `${all} ${what} are already running on this node: try again when one has ended.`, { limit: what });
    this.#byCaller.set(caller, own + 1);
    this.#taken += 1;
    let isTaken = true;
    return () => {
      if (isTaken) this.#giveBack(caller);
      isTaken = false;
    };
  }

  #giveBack(caller: string): void {
    this.#taken -= 1;
    const left = (this.#byCaller.get(caller) ?? 1) - 1;
    if (left === 0) this.#byCaller.delete(caller);
    else this.#byCaller.set(caller, left);
  }
}

/** Whose place it is: that of a token or of the subject of a JWT; of the address where anybody may ask. */
export function placeHolder({ caller, address }: Pick<Call, "caller" | "address">): string {
  return caller === null ? `address:${address}` : callerKey(caller);
}
