/** The thread of `reportThread.ts`: a connection to the broker of its own, and what many reports need to come in. */
import { serveOrders } from "./http/bulk/thread/serveOrders";
import type { Answer, Order } from "./http/bulk/thread/orders";
import { type NatsLink, openNats } from "./jetstream/connection";
import type { ReportPublisher } from "./jetstream/ports";
import { createReportPublisher } from "./jetstream/publishReports";
import type { ReportWorkerSettings } from "./reportThread";

declare const self: {
  onmessage: (event: MessageEvent<ReportWorkerSettings | Order>) => void;
  postMessage: (answer: Answer, transfer?: ArrayBuffer[]) => void;
};

self.onmessage = ({ data: settings }) => serve(settings as ReportWorkerSettings);

function serve({ urls, ...rules }: ReportWorkerSettings): void {
  const answer = (told: Answer, transfer: readonly ArrayBuffer[] = []) => self.postMessage(told, [...transfer]);
  const broker = new Broker(urls, rules.partitions);
  const carryOut = serveOrders({ ...rules, publisher: broker, answer });
  self.onmessage = ({ data }) => {
    const order = data as Order;
    if (order.kind === "close") void broker.close().finally(() => answer({ kind: "closed" }));
    else carryOut(order);
  };
}

/** Dialled by the first report, and by the next one when that was in vain; afterwards the connection dials by itself. */
class Broker implements ReportPublisher {
  #link: Promise<NatsLink> | null = null;
  #publisher: ReportPublisher | null = null;

  constructor(
    private readonly urls: readonly string[],
    private readonly partitions: number,
  ) {}

  publish(sensorId: string, payload: Uint8Array) {
    return this.#publisher === null
      ? this.#dialled().then((publisher) => publisher.publish(sensorId, payload))
      : this.#publisher.publish(sensorId, payload);
  }

  async close(): Promise<void> {
    await (await this.#link?.catch(() => null))?.close();
  }

  async #dialled(): Promise<ReportPublisher> {
    this.#link ??= openNats({ urls: this.urls, name: "tocsin-bulk", waitMs: 0 });
    try {
      const link = await this.#link;
      this.#publisher ??= createReportPublisher(link, this.partitions);
      return this.#publisher;
    } catch (error) {
      this.#link = null;
      throw error;
    }
  }
}
