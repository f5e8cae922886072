import { Fault } from "../domain/fault";
import type { AcquiredLease, LeasedRole, PartitionPosition, PartitionStatus } from "./store";

/** A row of `partitions` as it is read by hand. */
export interface PartitionRow {
  readonly role: LeasedRole;
  readonly partition: number;
  readonly epoch: number;
  readonly owner: string | null;
  readonly lease_until: number;
  readonly generation: number;
  readonly cursor: number;
  readonly cursor_time_ns: string | null;
  readonly received_at: number;
  readonly dark_ended_at: number;
  readonly change_number: number;
  readonly published: number;
  readonly registry_version: number;
  readonly decided_version: number;
  readonly recorded_at: number;
}

function positionOf(row: PartitionRow): PartitionPosition {
  return {
    generation: row.generation,
    cursor: row.cursor,
    cursorTimeNs: row.cursor_time_ns,
    receivedAt: row.received_at,
    darkEndedAt: row.dark_ended_at,
    changeNumber: row.change_number,
    published: row.published,
  };
}

export function acquiredFrom(row: PartitionRow, owner: string): AcquiredLease {
  const { role, partition, epoch } = row;
  return { lease: { role, partition, owner, epoch }, position: positionOf(row), registryVersion: row.decided_version };
}

export function statusOf(row: PartitionRow): PartitionStatus {
  const { role, partition, owner, epoch } = row;
  return { ...positionOf(row), role, partition, owner, epoch, leaseUntil: row.lease_until };
}

export function countConflict(fixed: number, wanted: number): Fault {
  return new Fault(
    "conflict",
    `The database was laid out for ${fixed} partitions, not for ${wanted}: set PARTITIONS to ${fixed}, or leave it out.`,
  );
}
