import { DiscardPolicy } from "@nats-io/jetstream";
import type { NatsLink } from "./connection";
import { isStreamMissing, unavailable } from "./faults";
import { differencesOf, replicasFor, wantedStreams } from "./topology";

/** A stream that the service needs, as the broker has it. */
export interface StreamFound {
  readonly name: string;
  /** Null when there is none of this name. */
  readonly state: { readonly lastSequence: number; readonly bytes: number; readonly bytesMax: number } | null;
  /** What is not as wanted, in words; null when all is. */
  readonly differences: string | null;
  /** At its limit it forgets, instead of refusing. */
  readonly discardsOld: boolean;
}

/** Looks at every stream that P partitions need, and changes nothing. Throws `Fault` (unavailable). */
export async function inspectStreams(link: NatsLink, partitions: number, replicas: number | null): Promise<StreamFound[]> {
  const wanted = wantedStreams(partitions, replicas ?? replicasFor(link));
  return Promise.all(
    wanted.map(async (stream) => {
      const { name } = stream;
      const discardsOld = stream.discard === DiscardPolicy.Old;
      try {
        const { config, state } = await link.api.streams.info(name);
        const found = { lastSequence: state.last_seq, bytes: state.bytes, bytesMax: config.max_bytes };
        return { name, state: found, differences: differencesOf(config, stream), discardsOld };
      } catch (error) {
        if (isStreamMissing(error)) return { name, state: null, differences: null, discardsOld };
        throw unavailable(`the stream ${name} could not be read`, error);
      }
    }),
  );
}
