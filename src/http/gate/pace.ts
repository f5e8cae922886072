/** In each such time … */
export const PACE_MS = 10_000;
/** … a body that is read as it comes must bring so much, if it was waited for all along. */
export const PACE_BYTES_MIN = 1024;
/** Who reads slowly is not who sends slowly: so much of the time must have been waiting. */
const WAITED_PART = 0.9;

/** Whether a body comes fast enough to be waited for. */
export class Pace {
  #bytes = 0;
  #waitedMs = 0;
  #waitingFrom: number | null = null;

  constructor(private readonly clock: () => number = () => performance.now()) {}

  /** The next bytes, which are waited for from now on. */
  async wait<Chunk extends { readonly value?: Uint8Array | undefined }>(read: () => Promise<Chunk>): Promise<Chunk> {
    this.#waitingFrom = this.clock();
    try {
      const chunk = await read();
      this.#bytes += chunk.value?.length ?? 0;
      return chunk;
    } finally {
      this.#countWaiting();
      this.#waitingFrom = null;
    }
  }

  /** Judges the time since it was asked last; to be asked every {@link PACE_MS}. */
  isTooSlow(): boolean {
    this.#countWaiting();
    const slow = this.#waitedMs >= PACE_MS * WAITED_PART && this.#bytes < PACE_BYTES_MIN;
    this.#bytes = 0;
    this.#waitedMs = 0;
    return slow;
  }

  #countWaiting(): void {
    if (this.#waitingFrom === null) return;
    const now = this.clock();
    this.#waitedMs += now - this.#waitingFrom;
    this.#waitingFrom = now;
  }
}
