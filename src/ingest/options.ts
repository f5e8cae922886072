import type { ChangeLogStore, IngestStore, PartitionPosition } from "../store/store";
import type { Events } from "../telemetry/events";
import type { Commits } from "./commits";
import type { IngestLease, PartitionStream } from "./ports";
import type { SensorMemory } from "./sensorCache";
import type { SensorCount } from "./sensorCount";

/** What the owner of a partition works with. */
export interface IngestOptions {
  readonly store: IngestStore & ChangeLogStore;
  /** Shared by all partitions of this node. */
  readonly commits: Commits;
  readonly sensorCount: SensorCount;
  readonly sensorMemory: SensorMemory;
  readonly held: IngestLease;
  readonly leaseTtlMs: number;
  readonly position: PartitionPosition;
  readonly registryVersion: number;
  readonly partitions: number;
  readonly stream: PartitionStream;
  readonly registration: "open" | "closed";
  readonly sensorsMax: number;
  /** Changes were committed. A hint, for whoever would else wait until they are published. */
  readonly onChanges?: () => void;
  readonly events: Events;
}
