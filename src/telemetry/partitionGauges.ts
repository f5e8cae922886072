import type { LeasedRole } from "../store/store";
import type { Metrics } from "./metrics";

type Standing = "ingestCursor" | "published" | "planned";

const STANDINGS: Readonly<Record<LeasedRole, readonly Standing[]>> = { ingest: ["ingestCursor", "published"], notify: ["planned"] };

export interface PartitionGauges {
  acquired(role: LeasedRole, partition: number): void;
  /** Whoever owns it next tells where it stands: an old number of ours would stay beside theirs for ever. */
  left(role: LeasedRole, partition: number): void;
  reached(standing: Standing, partition: number, number: number): void;
}

/** Where the partitions of this node stand. What still comes in of one that it left is not shown: its worker ends after its lease. */
export function createPartitionGauges(metrics: Metrics): PartitionGauges {
  const left: Readonly<Record<Standing, Set<number>>> = { ingestCursor: new Set(), published: new Set(), planned: new Set() };
  return {
    acquired(role, partition) {
      metrics.leaseHeld.set({ role, partition }, 1);
      for (const standing of STANDINGS[role]) left[standing].delete(partition);
    },
    left(role, partition) {
      metrics.leaseHeld.set({ role, partition }, 0);
      for (const standing of STANDINGS[role]) {
        left[standing].add(partition);
        metrics[standing].remove({ partition });
      }
    },
    reached(standing, partition, number) {
      if (!left[standing].has(partition)) metrics[standing].set({ partition }, number);
    },
  };
}
