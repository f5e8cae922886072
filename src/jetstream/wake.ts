import type { NatsLink } from "./connection";
import { allChangesSubject, changeSubject, type PartitionPlace } from "./subjects";

/** Calls `onWake` whenever a change of this partition is published. A hint: nothing may depend on it. */
export async function watchChanges(link: NatsLink, place: PartitionPlace, onWake: () => void): Promise<{ stop(): Promise<void> }> {
  const stop = hear(link, changeSubject(place, ">"), onWake);
  return { stop: async () => stop() };
}

/** Calls `onHint` whenever a change of any partition is published. A hint: nothing may depend on it. Gives how to stop it. */
export function watchAllChanges(link: NatsLink, partitions: number, onHint: () => void): () => void {
  return hear(link, allChangesSubject(partitions), onHint);
}

function hear({ connection }: NatsLink, subject: string, heard: () => void): () => void {
  const subscription = connection.subscribe(subject, {
    callback: (error) => {
      if (error === null) heard();
    },
  });
  return () => subscription.unsubscribe();
}
