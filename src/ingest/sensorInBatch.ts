import { mayBeDuplicate } from "../domain/decide";
import { type Report, REPORT_ID_MEMORY_MS } from "../domain/report";
import type { Sensor } from "../domain/sensor";
import { currentState, type State } from "../domain/state";
import type { KnownSensor } from "./sensorCache";

const NEVER_HEARD = currentState(null, 1);

/** A sensor as far as a batch has moved it. One for each id of a batch, so that a report costs one look-up; as the row of a state, too. */
export class SensorInBatch {
  sensor: Sensor | null = null;
  state: State = NEVER_HEARD;
  /** Whether the batch writes its state. */
  moved = false;
  /** What the commit will move; null while it is not loaded. */
  #known: KnownSensor | null = null;
  #before: KnownSensor | null = null;
  /** The newest `at` so far, counting reports that are not decided yet. */
  #atMax: number | null = null;
  /** When the log received its reports, by id. Only kept of a sensor of which the log was asked: nobody else's can be repeats. */
  #receivedAt: Map<string, number> | null = null;

  constructor(readonly sensorId: string) {}

  meet(known: KnownSensor): void {
    this.#known = known;
    this.sensor = known.sensor;
    this.state = known.state;
    this.#atMax = known.state.atMax;
  }

  /**
   * Whether the log must be asked for this report, which comes next in the batch: it may be a repeat by the time it is decided, for the
   * ones before it move the sensor's clock on.
   */
  mayRepeat(report: Report): boolean {
    const may = mayBeDuplicate({ atMax: this.#atMax }, report);
    if (report.at !== null && (this.#atMax === null || report.at > this.#atMax)) this.#atMax = report.at;
    if (may) this.#receivedAt ??= new Map();
    return may;
  }

  /** The log holds a report of this id. */
  remember(reportId: string, receivedAt: number): void {
    this.#receivedAt?.set(reportId, receivedAt);
  }

  /** Whether this report is a repeat of one that is remembered. */
  repeats(report: Report, receivedAt: number): boolean {
    if (this.#receivedAt === null || report.id === null || !mayBeDuplicate(this.state, report)) return false;
    const before = this.#receivedAt.get(report.id);
    return before !== undefined && before >= receivedAt - REPORT_ID_MEMORY_MS;
  }

  /** What the batch made of the sensor is what is known of it. */
  settle(): void {
    if (this.#known === null) return;
    this.#before = { ...this.#known };
    this.#known.sensor = this.sensor;
    this.#known.state = this.state;
  }

  /** What was known before the last {@link settle} is known again. */
  unsettle(): void {
    if (this.#known === null || this.#before === null) return;
    this.#known.sensor = this.#before.sensor;
    this.#known.state = this.#before.state;
  }
}
