import type { ReportPublisher } from "../../../jetstream/ports";
import type { SensorAndState } from "../../../store/store";
import type { Intake } from "../bulk";
import { bulkReports, type OpenReportIntake } from "../bulkReports";
import type { Cut } from "../cutting";
import { ItemResults } from "../itemResults";
import { type Answer, type Order, packError, unpackError, unpackItems } from "./orders";

export interface ServeOptions {
  readonly publisher: ReportPublisher;
  readonly partitions: number;
  readonly registration: "open" | "closed";
  readonly answer: (answer: Answer, transfer?: readonly ArrayBuffer[]) => void;
}

/** What the thread does: the same as a node without one, for requests that it hears of. Gives what carries an order out. */
export function serveOrders({ answer, ...options }: ServeOptions): (order: Exclude<Order, { kind: "close" }>) => void {
  const loads = new Loads(answer);
  const open = bulkReports({ ...options, store: loads });
  const requests = new Map<number, ServedRequest>();
  return (order) => {
    switch (order.kind) {
      case "begin":
        requests.set(order.request, new ServedRequest(order, { open, answer }));
        break;
      case "take":
        requests.get(order.request)?.take(unpackItems(order.items));
        break;
      case "end":
        requests.get(order.request)?.end();
        requests.delete(order.request);
        break;
      case "loaded":
        loads.settle(order.call, ({ resolve }) => resolve([...order.found]));
        break;
      case "notLoaded":
        loads.settle(order.call, ({ reject }) => reject(unpackError(order.error)));
    }
  };
}

class ServedRequest {
  readonly #results = new ItemResults();
  readonly #intake: Intake;
  /** What is taken in, one part after the other. */
  #taking: Promise<void> = Promise.resolve();

  constructor(
    private readonly begun: Extract<Order, { kind: "begin" }>,
    private readonly means: { readonly open: OpenReportIntake; readonly answer: ServeOptions["answer"] },
  ) {
    const { request, reach, key } = begun;
    const failed = (error: unknown) => means.answer({ kind: "failed", request, error: packError(error) });
    this.#intake = means.open(this.#results, { reach, key, failed });
  }

  take(items: readonly Cut[]): void {
    this.#taking = this.#taking.then(async () => {
      await this.#intake.take(items, this.#results.add(items.length));
      this.means.answer({ kind: "taken", request: this.begun.request });
    });
  }

  end(): void {
    void this.#taking.then(async () => {
      await this.#intake.settled();
      const results = this.#results.packed();
      const { statuses, notes, numbers } = results;
      this.means.answer({ kind: "settled", request: this.begun.request, results }, [statuses.buffer, notes.buffer, numbers.buffer]);
    });
  }
}

/** Sensors are looked up by the node, which has the store. */
class Loads {
  #calls = 0;
  readonly #waiting = new Map<number, PromiseWithResolvers<SensorAndState[]>>();

  constructor(private readonly answer: ServeOptions["answer"]) {}

  loadSensors(sensorIds: readonly string[]): Promise<SensorAndState[]> {
    this.#calls += 1;
    const asked = Promise.withResolvers<SensorAndState[]>();
    this.#waiting.set(this.#calls, asked);
    this.answer({ kind: "load", call: this.#calls, sensorIds });
    return asked.promise;
  }

  settle(call: number, how: (asked: PromiseWithResolvers<SensorAndState[]>) => void): void {
    const asked = this.#waiting.get(call);
    this.#waiting.delete(call);
    if (asked !== undefined) how(asked);
  }
}
