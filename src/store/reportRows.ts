import { changeId } from "../domain/change";
import { ATTRIBUTES_BYTES_MAX, MESSAGE_CHARS_MAX, type Report } from "../domain/report";
import type { RowSize } from "./largePages";
import type { ReportRecord } from "./store";

/** A row of the log, under Drizzle's names. */
export interface ReportFields extends Omit<Report, "id">, Omit<ReportRecord, "report" | "changeId"> {
  readonly partition: number;
  readonly reportId: string | null;
  readonly changeNumber: number | null;
}

/** What it takes in memory: a list reads its attributes, too. */
export const REPORT_SIZE: RowSize<Pick<Report, "message" | "attributes">> = {
  bytesOf: ({ message, attributes }) => Buffer.byteLength(JSON.stringify([message, attributes])),
  bytesMax: ATTRIBUTES_BYTES_MAX + MESSAGE_CHARS_MAX,
};

export function reportOf(row: ReportFields): ReportRecord {
  const { sequence, sensorId, status, severity, value, message, at, reportId: id, attributes } = row;
  const report = { status, severity, value, message, at, id, attributes };
  const { stream, receivedAt, recordedAt, disposition } = row;
  const madeChange = row.changeNumber === null ? null : changeId(row.partition, row.changeNumber);
  return { stream, sequence, sensorId, report, receivedAt, recordedAt, disposition, changeId: madeChange };
}
