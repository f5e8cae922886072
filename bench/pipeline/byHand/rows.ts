/** The rows that a batch makes, as the sides that are written by hand bring them: in the order of their columns. */
export interface Rows {
  addReport(report: ReportByHand): void;
  addChange(change: { number: number; sensorId: string; revision: number; occurredAt: number; recordedAt: number; data: string }): void;
  writeState(sensorId: string, last: Last): void;
  moveCursor(sequence: number, timeNs: string, changeNumber: number): void;
}

export interface ReportByHand {
  readonly sequence: number;
  readonly sensorId: string;
  readonly id: string;
  readonly status: string;
  readonly value: number;
  readonly message: string;
  readonly at: number;
  readonly receivedAt: number;
  readonly changeNumber: number | null;
}

/** All that must be remembered of a sensor. */
export interface Last {
  status: string;
  since: number;
  revision: number;
  reportedAt: number;
  receivedAt: number;
  at: number;
  /** Whether its row must be written anew, or only its clocks. */
  moved: boolean;
}

/** A database that takes what `fill` makes in one transaction. */
export interface HandStore {
  commit(fill: (rows: Rows) => void): void | Promise<void>;
  close(): void | Promise<void>;
}

export function severityOf(status: string): string {
  return status === "ok" ? "ok" : "critical";
}
