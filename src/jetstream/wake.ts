import type { NatsLink } from "./connection";
import { allChangesSubject, changeSubject, type PartitionPlace } from "./subjects";

/** Calls `onWake` whenever a change of this partition is published. A hint: nothing may depend on it. */
export async function watchChanges(
  { connection }: NatsLink,
  place: PartitionPlace,
  onWake: () => void,
): Promise<{ stop(): Promise<void> }> {
  const subscription = connection.subscribe(changeSubject(place, ">"), {
    callback: (error) => {
      if (error === null) onWake();
    },
  });
  return {
    async stop() {
      subscription.unsubscribe();
    },
  };
}

/** Calls `onHint` whenever a change of any partition is published. A hint: nothing may depend on it. Gives how to stop it. */
export function watchAllChanges({ connection }: NatsLink, partitions: number, onHint: () => void): () => void {
  const subscription = connection.subscribe(allChangesSubject(partitions), {
    callback: (error) => {
      if (error === null) onHint();
    },
  });
  return () => subscription.unsubscribe();
}
