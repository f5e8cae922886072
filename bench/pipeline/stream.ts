import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";

export const REPORTS = "REPORTS_1_0";
export const CHANGES = "CHANGES_1_0";

/** Every side begins with an empty CHANGES stream, and publishes into it. */
export async function emptyChanges(natsUrl: string): Promise<void> {
  const connection = await connect({ servers: natsUrl });
  const manager = await jetstreamManager(connection);
  await manager.streams.purge(CHANGES);
  await connection.close();
}

export function connectTo(natsUrl: string): Promise<NatsConnection> {
  return connect({ servers: natsUrl, noAsyncTraces: true });
}

export { jetstream, jetstreamManager };
