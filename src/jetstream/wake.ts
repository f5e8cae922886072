import type { NatsLink } from "./connection";
import { changeSubject, type PartitionPlace } from "./subjects";

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
