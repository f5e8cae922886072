import { TICK_ID } from "../domain/sensor";
import type { NatsLink } from "./connection";
import { unavailable } from "./faults";
import type { Mend } from "./keepTopology";
import type { ChangePublisher, ReportReader, StreamPosition } from "./ports";
import { createChangePublisher } from "./publishChanges";
import { openReader, storedAt } from "./reader";
import { type PartitionPlace, reportsStream, reportSubject } from "./subjects";
import { Trimmer } from "./trim";

/** One partition's streams, as the owner in the role `ingest` uses them. */
export interface PartitionStreams {
  readonly name: string;
  openReader(position: StreamPosition): Promise<ReportReader>;
  publishTick(): void;
  trim(position: StreamPosition): Promise<void>;
  readonly changes: ChangePublisher;
}

/**
 * What is published and what is consumed go over a connection each, so that neither waits behind the other. Without `mend`, a stream that is
 * missing stays missing.
 */
export function partitionStream({
  publishing,
  consuming,
  mend = (act) => act(),
  ...place
}: PartitionPlace & { publishing: NatsLink; consuming: NatsLink; mend?: Mend }): PartitionStreams {
  const name = reportsStream(place);
  const tickSubject = reportSubject(place, TICK_ID);
  const trimmer = new Trimmer();
  const changes = createChangePublisher(publishing, place);
  return {
    name,
    openReader: (position) => mend(() => openReader(consuming, name, position)),
    publishTick() {
      if (publishing.isConnected()) publishing.connection.publish(tickSubject);
    },
    async trim({ cursor, cursorTimeNs }) {
      try {
        const { state, config } = await publishing.api.streams.info(name);
        // A stream that was made anew, or put back, counts its own sequences: what we remember means nothing in it.
        if (cursorTimeNs === null || (await storedAt(publishing, name, cursor)) !== cursorTimeNs) return trimmer.forget();
        const below = trimmer.below({ cursor, nowMs: performance.now(), filled: state.bytes / config.max_bytes });
        if (below > state.first_seq) await publishing.api.streams.purge(name, { seq: below });
      } catch (error) {
        throw unavailable(`${name} could not be trimmed`, error);
      }
    },
    changes: { publish: (outgoing, after) => mend(() => changes.publish(outgoing, after)) },
  };
}
