import { isFault } from "../domain/fault";
import type { NatsLink } from "./connection";
import { isStreamMissing } from "./faults";
import { ensureTopology, probeMapping } from "./topology";

const RETRY_MS = 500;

/** Does something with a stream. When there is none such, all that are missing are made anew, and whoever asked tries again by itself. */
export type Mend = <Answer>(act: () => Promise<Answer>) => Promise<Answer>;

export interface TopologyOptions {
  /** P. */
  readonly partitions: number;
  /** On how many servers each stream is kept; null leaves that to what the broker is. */
  readonly replicas: number | null;
  /** Somebody else's servers may elect, restart or lack one just now: then they are waited for. */
  readonly patient: boolean;
  /** Told once that they are waited for, and why. */
  readonly say: (line: string) => void;
  /** Later attempts that failed. */
  readonly failed: (error: unknown) => void;
}

/**
 * The streams are there afterwards, and what sensors publish lands in them. A broker that comes back may have lost a stream, and somebody may
 * delete one: what is missing is made anew. Throws `Fault`: (conflict) for a broker that is not set up for us, (unavailable) unless patient.
 */
export async function keepTopology(link: NatsLink, options: TopologyOptions): Promise<Mend> {
  const ensure = () => ensureTopology(link, options.partitions, options.replicas);
  for (let told = false; ; told = true) {
    try {
      await ensure();
      await probeMapping(link, options.partitions);
      break;
    } catch (error) {
      if (!options.patient || !isFault(error, "unavailable")) throw error;
      if (!told) options.say(`waiting for the broker: ${error.message}`);
      await Bun.sleep(RETRY_MS);
    }
  }
  link.onReconnect(() => void ensure().catch(options.failed));
  return mending(ensure);
}

/** Nothing but a question to a stream shows that it is gone. Many may find that out at once, and one of them has it made. */
function mending(ensure: () => Promise<void>): Mend {
  let running: Promise<void> | null = null;
  return async (act) => {
    try {
      return await act();
    } catch (error) {
      if (!isStreamMissing(error)) throw error;
      running ??= ensure().finally(() => {
        running = null;
      });
      await running;
      throw error;
    }
  };
}
