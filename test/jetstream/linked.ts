import { JetStreamApiError } from "@nats-io/jetstream";
import { isFault } from "../../src/domain/fault";
import { type NatsLink, openNats } from "../../src/jetstream/connection";
import type { ReportReader, StreamMessage } from "../../src/jetstream/ports";
import { createReportPublisher } from "../../src/jetstream/publishReports";
import { ensureTopology } from "../../src/jetstream/topology";
import { startNatsServer, type TestNats } from "../servers/natsServer";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A real broker with the streams of P partitions, and a connection to it. */
export class Linked implements AsyncDisposable {
  private constructor(
    readonly nats: TestNats,
    readonly link: NatsLink,
    readonly partitions: number,
  ) {}

  static async open(partitions = 1): Promise<Linked> {
    const nats = await startNatsServer({ partitions });
    const link = await openNats({ urls: [nats.url], name: "test" });
    await again(() => ensureTopology(link, partitions));
    return new Linked(nats, link, partitions);
  }

  async publish(...said: readonly string[]): Promise<void> {
    const publisher = createReportPublisher(this.link, this.partitions);
    for (const payload of said) await publisher.publish("boiler-7", encoder.encode(payload));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.link.close();
    await this.nats.stop();
  }
}

/** Until the broker can: a leader that died is followed by another within seconds, and so is one whose stream has just got other copies. */
export async function again<Answer>(act: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!isPassing(error)) throw error;
      await Bun.sleep(50);
    }
  }
}

const UNANSWERED = new Set(["TimeoutError", "NoRespondersError", "JetStreamNotEnabled", "RequestError"]);

/** What a broker that is in order may say: nobody leads just now, the server that was asked is gone, its disk is busy. */
function isPassing(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.status === 503;
  return isFault(error, "unavailable") || (error instanceof Error && UNANSWERED.has(error.name));
}

/** So many messages, whatever the batches. */
export async function take(reader: Pick<ReportReader, "next">, count: number): Promise<StreamMessage[]> {
  const taken: StreamMessage[] = [];
  while (taken.length < count) taken.push(...(await reader.next(count - taken.length, 5)));
  return taken;
}

export function payloads(messages: readonly StreamMessage[]): string[] {
  return messages.map(({ payload }) => decoder.decode(payload));
}

/** Where somebody stands who has committed this message. */
export function cursorAt(message: StreamMessage | undefined): { cursor: number; cursorTimeNs: string } {
  if (message === undefined) throw new Error("no message was taken");
  return { cursor: message.sequence, cursorTimeNs: message.timeNs() };
}
