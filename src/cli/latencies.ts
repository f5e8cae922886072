/** Each bucket is a fiftieth wider than the one before: a quantile is within 2 %, whatever the number of samples. */
const GROWTH = 1.02;
const LEAST_MS = 0.01;
const BUCKETS = 1024;

/** Durations in milliseconds, counted in buckets: bounded memory for any number of them. */
export class Latencies {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;

  add(ms: number): void {
    const bucket = ms <= LEAST_MS ? 0 : Math.ceil(Math.log(ms / LEAST_MS) / Math.log(GROWTH));
    const index = Math.min(bucket, BUCKETS - 1);
    this.#counts[index] = (this.#counts[index] as number) + 1;
    this.#total += 1;
  }

  /** Null when there are none. */
  quantile(share: number): number | null {
    let left = Math.ceil(this.#total * share);
    if (left === 0) return null;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      left -= this.#counts[bucket] as number;
      if (left <= 0) return LEAST_MS * GROWTH ** bucket;
    }
    return null;
  }
}
