import { changeId } from "../domain/change";
import type { Report } from "../domain/report";
import type { ReportRecord } from "./store";

/** A row of the log, under Drizzle's names. */
export interface ReportFields extends Omit<Report, "id">, Omit<ReportRecord, "report" | "changeId"> {
  readonly partition: number;
  readonly reportId: string | null;
  readonly changeNumber: number | null;
}

/** About what it takes in memory: a list reads its attributes, too. */
export function reportBytes({ message, attributes }: Pick<Report, "message" | "attributes">): number {
  return (message?.length ?? 0) + (attributes === null ? 0 : JSON.stringify(attributes).length);
}

export function reportOf(row: ReportFields): ReportRecord {
  const { sequence, sensorId, status, severity, value, message, at, reportId: id, attributes } = row;
  const report = { status, severity, value, message, at, id, attributes };
  const { stream, receivedAt, recordedAt, disposition } = row;
  const madeChange = row.changeNumber === null ? null : changeId(row.partition, row.changeNumber);
  return { stream, sequence, sensorId, report, receivedAt, recordedAt, disposition, changeId: madeChange };
}
