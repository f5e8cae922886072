/** How much may be on its way to the broker at once: whoever wants to send more waits, in turn, until something was acknowledged. */
export class PublishingRoom {
  #messages = 0;
  #bytes = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly max: { readonly messages: number; readonly bytes: number }) {}

  /** Takes its place if there is one. A message that is larger than all of it goes alone. */
  enter(bytes: number): boolean {
    const { messages, bytes: bytesMax } = this.max;
    if (this.#messages >= messages || (this.#messages > 0 && this.#bytes + bytes > bytesMax)) return false;
    this.#messages += 1;
    this.#bytes += bytes;
    return true;
  }

  leave(bytes: number): void {
    this.#messages -= 1;
    this.#bytes -= bytes;
    this.#waiting.shift()?.();
  }

  /** Resolves when a place may have become free; it is not taken by that. */
  room(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
