import { PROBE_ID, partitionOf } from "../domain/sensor";
import type { NatsLink } from "./connection";
import { unavailable } from "./faults";
import { reportSubject } from "./subjects";

const ANSWER_MS = 1500;

/**
 * Stores a message that is nobody's report, as a report would be stored. Throws `Fault` (unavailable) when it is not acknowledged in time:
 * a broker may answer every question and yet take nothing, for example after its disk was full.
 */
export function createPulse(link: NatsLink, partitions: number): () => Promise<void> {
  const subject = reportSubject({ partitions, partition: partitionOf(PROBE_ID, partitions) }, PROBE_ID);
  return async () => {
    try {
      await link.answered(() => link.publisher.publish(subject, "", { timeout: ANSWER_MS }));
    } catch (error) {
      throw unavailable("JetStream does not take a message", error);
    }
  };
}
