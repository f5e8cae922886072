import type { NatsLink } from "./connection";

/** Calls `onBody` with the body of every change that is published from now on, of one sensor or (null) of all. */
export async function followChanges(
  { connection }: NatsLink,
  { sensorId }: { sensorId: string | null },
  onBody: (body: string) => void,
): Promise<{ stop(): Promise<void> }> {
  const subscription = connection.subscribe(`changes.*.*.${sensorId ?? "*"}`, {
    callback: (error, message) => {
      if (error === null) onBody(message.string());
    },
  });
  // The server knows of it before we say that we follow.
  await connection.flush();
  return { stop: () => subscription.drain() };
}
