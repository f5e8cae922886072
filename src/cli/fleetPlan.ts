import type { Severity } from "../domain/severity";

export interface PlannedReport {
  readonly sensorId: string;
  /** Names the report: whoever sends it again sends this. */
  readonly id: string;
  /** The report as JSON. */
  readonly payload: string;
}

export interface FleetPlanOptions {
  readonly sensors: number;
  /** Of all reports, how many change their sensor's status: 0 to 1. */
  readonly changeShare: number;
  /** Begins every report's id, so that two runs have none in common. */
  readonly run: string;
  /** In [0, 1). */
  readonly random: () => number;
}

interface Mood {
  readonly status: string;
  readonly severity: Severity;
  readonly value: number;
}

/** What a simulated boiler can be, with the temperature that goes with it. */
const MOODS: readonly Mood[] = [
  { status: "ok", severity: "ok", value: 60 },
  { status: "hot", severity: "warning", value: 80 },
  { status: "overheated", severity: "critical", value: 95 },
];

/** What a simulated fleet says, report by report: first every sensor once, `ok`, then whichever comes. */
export class FleetPlan {
  readonly #moods: Uint8Array;
  #count = 0;

  constructor(private readonly options: FleetPlanOptions) {
    this.#moods = new Uint8Array(options.sensors);
  }

  /** The next report, said at `now` (epoch milliseconds). */
  next(now: number): PlannedReport {
    const { sensors, changeShare, run, random } = this.options;
    const first = this.#count < sensors;
    const index = first ? this.#count : Math.floor(random() * sensors);
    if (!first && random() < changeShare) this.#change(index);
    this.#count += 1;
    const mood = MOODS[this.#moods[index] as number] as Mood;
    const report = {
      status: mood.status,
      severity: mood.severity,
      value: Number((mood.value + random() * 4).toFixed(1)),
      at: new Date(now).toISOString(),
      id: `${run}-${this.#count}`,
    };
    return { sensorId: `sim-${index + 1}`, id: report.id, payload: JSON.stringify(report) };
  }

  /** To any of the others. */
  #change(index: number): void {
    const step = 1 + Math.floor(this.options.random() * (MOODS.length - 1));
    this.#moods[index] = ((this.#moods[index] as number) + step) % MOODS.length;
  }
}
