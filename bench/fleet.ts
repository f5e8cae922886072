/** A fleet of sensors whose reports are JSON of 200 bytes; a fixed share of them changes the status. */
export const REPORT_BYTES = 200;
export const CHANGE_SHARE = 0.05;
export const SENSORS = 10_000;

export interface Draw {
  readonly sensorId: string;
  readonly payload: string;
  readonly changes: boolean;
}

/** Deterministic: the same seed gives the same fleet. */
export class Fleet {
  readonly #hot: Uint8Array;
  #random: number;
  #count = 0;

  constructor(
    readonly sensors: number,
    readonly changeShare = CHANGE_SHARE,
    seed = 1,
    /** All of them are known to be `ok`: nobody has to be visited first. */
    private readonly known = false,
  ) {
    this.#hot = new Uint8Array(sensors);
    this.#random = seed;
  }

  /** The next report, said at `now` (epoch milliseconds). The first ones visit every sensor once. */
  next(now: number): Draw {
    const first = !this.known && this.#count < this.sensors;
    const index = first ? this.#count : this.#draw() % this.sensors;
    const changes = !first && this.#draw() / 2 ** 32 < this.changeShare;
    if (changes) this.#hot[index] = 1 - (this.#hot[index] as number);
    const status = this.#hot[index] === 1 ? "overheated" : "ok";
    this.#count += 1;
    return {
      sensorId: `sensor-${index}`,
      payload: reportText({ status, value: 20 + (this.#count % 100) / 10, at: now, id: `m-${this.#count}` }),
      changes,
    };
  }

  /** xorshift32 (Marsaglia, "Xorshift RNGs", 2003). */
  #draw(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return x >>> 0;
  }
}

/** As `at` of what is made beforehand: it stands for the moment at which it is sent. */
export const SENT_LATER = 0;
const SENT_LATER_TEXT = new Date(SENT_LATER).toISOString();

/** The text as it is sent at `now` (epoch milliseconds), of the same length: sensors speak of the present, not of what the log knows. */
export function saidAt(text: string, now: number): string {
  return text.replaceAll(SENT_LATER_TEXT, new Date(now).toISOString());
}

/** A report of REPORT_BYTES. */
export function reportText(report: { status: string; value: number; at: number; id: string }): string {
  const { status, value, at, id } = report;
  const head = `{"status":"${status}","value":${value},"at":"${new Date(at).toISOString()}","id":"${id}","message":"`;
  return `${head}${"m".repeat(Math.max(0, REPORT_BYTES - head.length - 2))}"}`;
}
