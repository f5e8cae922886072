import { PROBE_ID, partitionOf } from "../domain/sensor";
import type { NatsLink } from "./connection";
import { isStreamFull, unavailable } from "./faults";
import { reportSubject } from "./subjects";

const ANSWER_MS = 1500;

/** A broker may answer every question and yet take nothing, for example after its disk was full. */
export interface Pulse {
  /** Stores a message that is nobody's report, as a report would be stored. Throws `Fault` (unavailable) when it is not taken. */
  beat(): Promise<void>;
  /** The same, but content with a refusal because the stream is full: the broker works, and starting it again would help nobody. */
  live(): Promise<void>;
}

export function createPulse(link: NatsLink, partitions: number): Pulse {
  const subject = reportSubject({ partitions, partition: partitionOf(PROBE_ID, partitions) }, PROBE_ID);
  const publish = () => link.answered(() => link.publisher.publish(subject, "", { timeout: ANSWER_MS }));

  async function beat(): Promise<void> {
    try {
      await publish();
    } catch (error) {
      throw unavailable("JetStream does not take a message", error);
    }
  }

  return {
    beat,
    async live() {
      try {
        await publish();
      } catch (error) {
        if (!isStreamFull(error)) throw error;
      }
    },
  };
}
