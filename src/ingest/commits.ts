import { isFault } from "../domain/fault";
import type { BatchPart, IngestStore, PartOutcome } from "../store/store";

/** The most reports of one commit over all partitions, unless a single part alone has more. */
const REPORTS_AT_ONCE_MAX = 8192;

/** Commits the parts of a node's partitions, those that wait together in one. */
export interface Commits {
  /** Rejects with what the store throws; then nothing is known of the part. */
  commit(part: BatchPart): Promise<PartOutcome>;
}

interface Waiting {
  readonly part: BatchPart;
  readonly outcome: PromiseWithResolvers<PartOutcome>;
}

/** One commit runs at a time, and takes all that came while the one before ran: the busier the node, the more share the cost of one. */
export function createCommits(store: Pick<IngestStore, "commitBatch">): Commits {
  let waiting: Waiting[] = [];
  let running = false;

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      const together = waiting.slice(0, fitting(waiting));
      waiting = waiting.slice(together.length);
      await commitAll(together);
    }
    running = false;
  }

  async function commitAll(together: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await store.commitBatch(together.map(({ part }) => part));
      together.forEach(({ outcome }, index) => outcome.resolve(outcomes[index] as PartOutcome));
    } catch (error) {
      // A part that cannot be committed at all must not keep the others from it.
      if (isFault(error) || together.length === 1) for (const { outcome } of together) outcome.reject(error);
      else for (const each of together) await commitAll([each]);
    }
  }

  return {
    commit(part) {
      const outcome = Promise.withResolvers<PartOutcome>();
      waiting.push({ part, outcome });
      if (!running) void run();
      return outcome.promise;
    },
  };
}

function fitting(waiting: readonly Waiting[]): number {
  let reports = 0;
  const full = waiting.findIndex(({ part }, index) => {
    reports += part.reports.length;
    return index > 0 && reports > REPORTS_AT_ONCE_MAX;
  });
  return full === -1 ? waiting.length : full;
}
