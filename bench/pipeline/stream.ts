/** The stream that every side empties, for the sides that are written by hand. */
import { AckPolicy, type ConsumerMessages, DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { openNats } from "../../src/jetstream/connection";
import { changesStream, changeSubject, reportsStream } from "../../src/jetstream/subjects";
import { ensureTopology } from "../../src/jetstream/topology";
import type { ChangeByHand } from "./byHand/byHand";

const PLACE = { partitions: 1, partition: 0 };
export const REPORTS = reportsStream(PLACE);
/** The service reads as far ahead. */
const READ_AHEAD_MAX = 16_384;
const ACK_TIMEOUT_MS = 30_000;
/** Longer than any commit, during which nothing is read. */
const INACTIVE_NS = 60_000_000_000;

/** Every side begins with a new CHANGES stream: one that was only emptied would still take the last side's changes for repeats. */
export async function renewChanges(natsUrl: string, partitions = PLACE.partitions): Promise<void> {
  const link = await openNats({ urls: [natsUrl], name: "bench-renew" });
  for (let partition = 0; partition < partitions; partition += 1) await link.api.streams.delete(changesStream({ partitions, partition }));
  await ensureTopology(link, partitions);
  await link.close();
}

export interface HandStream {
  /** All reports from the first. */
  readonly messages: ConsumerMessages;
  /** Resolves when JetStream has acknowledged all of them. */
  publish(changes: readonly ChangeByHand[]): Promise<void>;
  close(): Promise<void>;
}

/** What is read and what is published have a connection each, as in the service. */
export async function openHandStream(natsUrl: string): Promise<HandStream> {
  const open = () => connect({ servers: natsUrl, noAsyncTraces: true });
  const [consuming, publishing] = await Promise.all([open(), open()]);
  const publisher = jetstream(publishing, { timeout: ACK_TIMEOUT_MS });
  return {
    messages: await readReports(consuming),
    async publish(changes) {
      await Promise.all(
        changes.map(({ number, sensorId, body }) => publisher.publish(changeSubject(PLACE, sensorId), body, { msgID: `0:${number}` })),
      );
    },
    async close() {
      await Promise.all([consuming.close(), publishing.close()]);
    },
  };
}

async function readReports(connection: NatsConnection): Promise<ConsumerMessages> {
  const api = await jetstreamManager(connection);
  const { name } = await api.consumers.add(REPORTS, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    mem_storage: true,
    inactive_threshold: INACTIVE_NS,
  });
  const consumer = await jetstream(connection).consumers.get(REPORTS, name);
  return consumer.consume({ max_messages: READ_AHEAD_MAX, bind: true });
}
