import type { ChangePublisher, ReportReader, StreamPosition } from "../jetstream/ports";
import type { Lease } from "../store/store";

/** What ingest needs of the broker for one partition. */
export interface PartitionStream {
  /** The name that sequences count in, for example REPORTS_1_0. */
  readonly name: string;
  openReader(position: StreamPosition): Promise<ReportReader>;
  /** Publishes a tick into the partition's own stream, without waiting. */
  publishTick(): void;
  /** Lets the stream forget what was committed long ago, if it is the stream that this position belongs to. */
  trim(position: StreamPosition): Promise<void>;
  readonly changes: ChangePublisher;
}

/** What ingest needs of its lease. */
export interface IngestLease {
  readonly lease: Lease;
  extended(startedAt: number): void;
  lost(): void;
}
