import type { Config } from "./config";

const PARTITIONS_EMBEDDED = 1;
/** A broker that is somebody else's is there for many nodes. */
const PARTITIONS_SHARED = 16;

/** P where neither PARTITIONS nor the database says one. */
export function defaultPartitions({ nats }: Pick<Config, "nats">): number {
  return nats.kind === "embedded" ? PARTITIONS_EMBEDDED : PARTITIONS_SHARED;
}
