import type { PartitionStore } from "../store";
import type { Connection } from "./connection";

export function openPartitions(_connection: Connection): PartitionStore {
  return {} as PartitionStore;
}
