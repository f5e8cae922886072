/** Something of which there is so much in all, and a share of it for each who asks, so that nobody holds all of it. */
export class Shares {
  /** Those that have any. */
  readonly #byHolder = new Map<string, number>();
  #taken = 0;

  constructor(private readonly limits: { readonly all: number; readonly each: number }) {}

  get isEmpty(): boolean {
    return this.#taken === 0;
  }

  /** Gives how to give it back, which may be called again and again; else what there is not enough of: of the holder's share, or of all. */
  take(holder: string, amount = 1): (() => void) | "each" | "all" {
    const own = (this.#byHolder.get(holder) ?? 0) + amount;
    if (own > this.limits.each) return "each";
    if (this.#taken + amount > this.limits.all) return "all";
    this.#byHolder.set(holder, own);
    this.#taken += amount;
    let isTaken = true;
    return () => {
      if (isTaken) this.#giveBack(holder, amount);
      isTaken = false;
    };
  }

  #giveBack(holder: string, amount: number): void {
    this.#taken -= amount;
    const left = (this.#byHolder.get(holder) ?? 0) - amount;
    if (left > 0) this.#byHolder.set(holder, left);
    else this.#byHolder.delete(holder);
  }
}
