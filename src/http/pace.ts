/** In each such time … */
export const PACE_MS = 10_000;
/** … a body that is read as it comes must bring so much, of the time in which it was waited for. */
export const PACE_BYTES_MIN = 1024;
/** Of the time that is measured so much must have been waiting: who reads slowly is not who sends slowly. */
const WAITED_PART = 0.9;

/** Whether a body comes fast enough to be waited for. */
export class Pace {
  #bytes = 0;
  #waitedMs = 0;
  #waitingFrom: number | null = null;
  readonly #timer: Timer;

  constructor(tooSlow: () => void, ms = PACE_MS) {
    this.#timer = setInterval(() => {
      this.#pause();
      if (this.#waitedMs >= ms * WAITED_PART && this.#bytes < PACE_BYTES_MIN) tooSlow();
      this.#bytes = 0;
      this.#waitedMs = 0;
    }, ms);
    this.#timer.unref();
  }

  /** The next bytes, which are waited for from now on. */
  async wait<Chunk extends { readonly value?: Uint8Array | undefined }>(read: () => Promise<Chunk>): Promise<Chunk> {
    this.#waitingFrom = performance.now();
    try {
      const chunk = await read();
      this.#bytes += chunk.value?.length ?? 0;
      return chunk;
    } finally {
      this.#pause();
      this.#waitingFrom = null;
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #pause(): void {
    if (this.#waitingFrom === null) return;
    const now = performance.now();
    this.#waitedMs += now - this.#waitingFrom;
    this.#waitingFrom = now;
  }
}
