/** What sensors said, and how they changed. */
import type { ChangeData } from "../domain/change";
import type { Page, PageRequest, TimeRange } from "./pages";
import type { ReportRow } from "./store";

export interface ReportRecord extends Omit<ReportRow, "changeNumber"> {
  readonly stream: string;
  readonly recordedAt: number;
  readonly changeId: string | null;
}

export interface ChangeQuery {
  readonly sensorId?: string;
  /** Of `occurredAt`… for one sensor; of `recordedAt` for all. */
  readonly range: TimeRange;
  readonly order: "asc" | "desc";
}

export interface HistoryStore {
  /** By `receivedAt`, newest first unless `order` is asc. A page ends early where what it reads grows too large. */
  listReports(sensorId: string, query: { range: TimeRange; order: "asc" | "desc" }, page: PageRequest): Promise<Page<ReportRecord>>;
  /**
   * One sensor's by revision; everyone's from cursor to cursor of `readChanges`. A page may end before its limit, so that it stays within a
   * few MiB and looks at a few thousand changes. Throws `gone` when some behind the cursor are no longer kept.
   */
  listChanges(query: ChangeQuery, page: PageRequest): Promise<Page<ChangeData>>;
}
