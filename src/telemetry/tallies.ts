/** Metrics of what happens with every request: what their labels name is looked up once, and not put into words and hashed each time. */
import { Counter, type CounterConfiguration, Histogram, type HistogramConfiguration } from "prom-client";

type Labels<Label extends string> = Readonly<Record<Label, string | number>>;

/** How often something happened under the same labels, since it was written down last. */
class CountTally {
  #count = 0;

  inc(): void {
    this.#count += 1;
  }

  take(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }
}

/** A counter that hears of what its tallies count when it is read. */
export class TalliedCounter<Label extends string> extends Counter<Label> {
  readonly #tallies: { readonly tally: CountTally; readonly labels: Labels<Label> }[] = [];

  constructor(wish: CounterConfiguration<Label>) {
    super({ ...wish, collect: () => this.#collect() });
  }

  /** A new one; the caller asks once for the same labels. */
  tally(labels: Labels<Label>): { inc(): void } {
    const tally = new CountTally();
    this.#tallies.push({ tally, labels });
    return tally;
  }

  #collect(): void {
    for (const { tally, labels } of this.#tallies) this.inc(labels, tally.take());
  }
}

/** What was observed under the same labels. */
export class Tally {
  #sum = 0;
  #count = 0;
  /** By the bound that they are not above; the last one is above all bounds. */
  readonly #counts: number[];

  constructor(private readonly bounds: readonly number[]) {
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const { bounds } = this;
    let place = 0;
    while (place < bounds.length && value > (bounds[place] as number)) place += 1;
    this.#counts[place] = (this.#counts[place] as number) + 1;
    this.#sum += value;
    this.#count += 1;
  }

  valuesOf(name: string, sharedLabels: object) {
    let reached = 0;
    const buckets = this.bounds.map((le, place) => {
      reached += this.#counts[place] as number;
      return { metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: reached };
    });
    return [
      ...buckets,
      { metricName: `${name}_bucket`, labels: { le: "+Inf" }, sharedLabels, value: this.#count },
      { metricName: `${name}_sum`, labels: {}, sharedLabels, value: this.#sum },
      { metricName: `${name}_count`, labels: {}, sharedLabels, value: this.#count },
    ];
  }
}

/** A histogram of which `tally` gives what is kept of the same labels; it is observed by that alone. */
export class TalliedHistogram<Label extends string> extends Histogram<Label> {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #tallies: { readonly tally: Tally; readonly labels: Labels<Label> }[] = [];

  constructor(wish: HistogramConfiguration<Label> & { readonly buckets: number[] }) {
    super(wish);
    this.#name = wish.name;
    this.#help = wish.help;
    this.#bounds = wish.buckets;
  }

  /** A new one; the caller asks once for the same labels. */
  tally(labels: Labels<Label>): Tally {
    const tally = new Tally(this.#bounds);
    this.#tallies.push({ tally, labels });
    return tally;
  }

  /** What prom-client makes both its text and its objects of. */
  getForPromString() {
    const values = this.#tallies.flatMap(({ tally, labels }) => tally.valuesOf(this.#name, labels));
    return Promise.resolve({ name: this.#name, help: this.#help, type: "histogram", aggregator: "sum", values });
  }
}
