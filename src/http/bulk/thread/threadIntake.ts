import type { IngestStore } from "../../../store/store";
import type { Intake } from "../bulk";
import type { OpenReportIntake, ReportIntakeAsked } from "../bulkReports";
import type { Cut } from "../cutting";
import type { ItemResults, PackedResults } from "../itemResults";
import { type Answer, type Order, packError, packItems, unpackError } from "./orders";

/** Items are only cut here, so other requests need not have their turn so often. */
const AT_ONCE = 2048;
/** What of a request lies before the thread: while it works on one part the next one is there. */
const WAITING_PARTS_MAX = 2;
const ENDED = {
  status: 503,
  detail: "The part of this node that takes many reports in has ended; whether the report is stored is not known.",
};

/** A thread that carries out orders. */
export interface OrderedThread {
  order(order: Order, transfer: readonly ArrayBuffer[]): void;
}

/** Starts one; `ended` is called when it ends by itself. */
export type StartThread = (heard: (answer: Answer) => void, ended: () => void) => OrderedThread;

export interface ReportThreadOptions {
  readonly start: StartThread;
  readonly store: Pick<IngestStore, "loadSensors">;
}

/** Takes many reports in on a thread of their own, which is started by the first request. */
export class ReportThread {
  #thread: OrderedThread | null = null;
  #requests = 0;
  /** Requests of which the thread has heard, until they are settled. */
  readonly #open = new Map<number, ThreadIntake>();
  #closed: PromiseWithResolvers<void> | null = null;

  constructor(private readonly options: ReportThreadOptions) {}

  readonly open: OpenReportIntake = (results, asked) => {
    this.#requests += 1;
    const request = this.#requests;
    const order = (given: Order, transfer: readonly ArrayBuffer[] = []) => {
      if (given.kind === "begin") this.#open.set(request, intake);
      this.#running().order(given, transfer);
    };
    const intake = new ThreadIntake({ results, asked, request, order });
    return intake;
  };

  /** Resolves once nothing of it is left. */
  async close(): Promise<void> {
    if (this.#thread === null) return;
    this.#closed = Promise.withResolvers();
    this.#thread.order({ kind: "close" }, []);
    await this.#closed.promise;
  }

  #running(): OrderedThread {
    this.#thread ??= this.options.start(
      (answer) => this.#hear(answer),
      () => this.#end(),
    );
    return this.#thread;
  }

  #hear(answer: Answer): void {
    switch (answer.kind) {
      case "taken":
        this.#open.get(answer.request)?.taken();
        break;
      case "settled":
        this.#open.get(answer.request)?.settle(answer.results);
        this.#open.delete(answer.request);
        break;
      case "failed":
        this.#open.get(answer.request)?.failed(unpackError(answer.error));
        break;
      case "load":
        void this.#load(answer.call, answer.sensorIds);
        break;
      case "closed":
        this.#end();
    }
  }

  async #load(call: number, sensorIds: readonly string[]): Promise<void> {
    const thread = this.#thread;
    try {
      thread?.order({ kind: "loaded", call, found: await this.options.store.loadSensors(sensorIds) }, []);
    } catch (error) {
      thread?.order({ kind: "notLoaded", call, error: packError(error) }, []);
    }
  }

  /** The next request begins with a new one. */
  #end(): void {
    this.#thread = null;
    for (const intake of this.#open.values()) intake.lose();
    this.#open.clear();
    this.#closed?.resolve();
  }
}

interface ThreadIntakeParts {
  readonly results: ItemResults;
  readonly asked: ReportIntakeAsked;
  readonly request: number;
  readonly order: (order: Order, transfer?: readonly ArrayBuffer[]) => void;
}

class ThreadIntake implements Intake {
  readonly atOnce = AT_ONCE;
  #begun = false;
  #waitingParts = 0;
  #isLost = false;
  #room: (() => void) | null = null;
  readonly #settled = Promise.withResolvers<PackedResults | null>();

  constructor(private readonly parts: ThreadIntakeParts) {}

  async take(items: readonly Cut[]): Promise<void> {
    if (this.#isLost) return;
    const { request, order, asked } = this.parts;
    if (!this.#begun) order({ kind: "begin", request, reach: asked.reach, key: asked.key });
    this.#begun = true;
    const packed = packItems(items);
    order({ kind: "take", request, items: packed }, [packed.bytes.buffer, packed.ends.buffer]);
    this.#waitingParts += 1;
    if (this.#waitingParts < WAITING_PARTS_MAX) return;
    await new Promise<void>((resolve) => {
      this.#room = resolve;
    });
  }

  async settled(): Promise<void> {
    const { request, order, results } = this.parts;
    if (!this.#begun) return;
    if (!this.#isLost) order({ kind: "end", request });
    const told = await this.#settled.promise;
    if (told !== null) results.adopt(told);
    else for (let index = 0; index < results.count; index += 1) results.refuse(index, ENDED);
  }

  taken(): void {
    this.#waitingParts -= 1;
    this.#room?.();
    this.#room = null;
  }

  settle(results: PackedResults): void {
    this.#settled.resolve(results);
  }

  failed(error: Error): void {
    this.parts.asked.failed(error);
  }

  lose(): void {
    this.#isLost = true;
    this.#room?.();
    this.#settled.resolve(null);
  }
}
