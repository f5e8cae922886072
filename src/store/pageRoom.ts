/** What the pages that are being read may hold together: many that are asked for at once would otherwise all be in memory at once. */

export class PageRoom {
  #held = 0;
  readonly #waiting: { readonly bytes: number; readonly go: () => void }[] = [];

  constructor(private readonly bytesMax: number) {}

  get held(): number {
    return this.#held;
  }

  /** Takes so many bytes, in the order of asking, once they are there; what is larger than all of it goes alone. At once where it can be. */
  take(bytes: number): void | Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#held += bytes;
      return;
    }
    return new Promise((go) => this.#waiting.push({ bytes, go }));
  }

  /** What somebody has taken turned out to be more, or less. Nobody waits who has begun: those who wait would wait for each other. */
  change(bytes: number): void {
    this.#held += bytes;
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#held += next.bytes;
      next.go();
    }
  }

  #fits(bytes: number): boolean {
    return this.#held === 0 || this.#held + bytes <= this.bytesMax;
  }
}
