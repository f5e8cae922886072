/** When something of each partition arrived, by this process's clock. */
export class Arrivals {
  #times: number[][];

  constructor(partitions: number) {
    this.#times = Array.from({ length: partitions }, () => []);
  }

  note(partition: number): void {
    this.#times[partition]?.push(performance.now());
  }

  /** All but the last of each, with which a pause may have begun. */
  forget(): void {
    this.#times = this.#times.map((times) => times.slice(-1));
  }

  /** The longest time without an arrival, of those that had not ended at `from` and began before `until`; infinite where nothing came. */
  longestGapMs(partition: number, from: number, until: number): number {
    const times = this.#times[partition] ?? [];
    const first = times.findIndex((time) => time > from);
    if (first === -1) return Number.POSITIVE_INFINITY;
    let longest = until - (times.at(-1) as number);
    for (let index = first; index < times.length; index += 1) {
      longest = Math.max(longest, (times[index] as number) - (times[index - 1] ?? from));
    }
    return longest;
  }
}
