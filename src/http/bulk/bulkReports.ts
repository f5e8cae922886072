import { isFault } from "../../domain/fault";
import type { Reach } from "../../domain/reach";
import { partitionOf } from "../../domain/sensor";
import type { PublishAck, ReportPublisher } from "../../jetstream/ports";
import type { Intake } from "./bulk";
import type { Cut } from "./cutting";
import type { ItemResults } from "./itemResults";
import { type ItemRefusal, refusalOf } from "./itemRefusals";
import { PublishingRoom } from "./publishingRoom";
import { type AskReportable, type MayReport, reportableLately, type ReportableOptions } from "./reportable";
import { type Sendable, sendableOf } from "./reportIntake";

/** On their way to the broker at once, of all bulk requests together. More would not make it faster: the broker has enough to do by then. */
const IN_FLIGHT_MAX = 4096;
const IN_FLIGHT_BYTES_MAX = 8 * 1024 * 1024;
/** Other requests get their turn after so many items. */
const AT_ONCE = 256;
/** What failed only after so long was not answered: the request does not try the rest that it holds for that partition. */
const STALLED_MS = 1000;

export interface BulkReportsOptions extends ReportableOptions {
  readonly publisher: ReportPublisher;
  readonly partitions: number;
}

/** The intake of one request from somebody with this reach; `failed` is told of a fault of ours, whose item is answered without its text. */
export type OpenReportIntake = (results: ItemResults, asked: ReportIntakeAsked) => Intake;

export interface ReportIntakeAsked {
  readonly reach: Reach | null;
  /** With an item's index behind it, the id of a report that gives none: sent again, it takes effect once. */
  readonly key: string | undefined;
  readonly failed: (error: unknown) => void;
}

export function bulkReports(options: BulkReportsOptions): OpenReportIntake {
  const room = new PublishingRoom({ messages: IN_FLIGHT_MAX, bytes: IN_FLIGHT_BYTES_MAX });
  const ask = reportableLately(options);
  return (results, asked) => new ReportIntake({ ...options, ...asked, room, ask, results });
}

interface ReportIntakeParts extends Pick<BulkReportsOptions, "publisher" | "partitions">, ReportIntakeAsked {
  readonly room: PublishingRoom;
  readonly ask: AskReportable;
  readonly results: ItemResults;
}

interface Numbered extends Sendable {
  readonly index: number;
}

const NOT_TRIED: ItemRefusal = {
  status: 503,
  detail: "Not tried: the broker did not answer earlier reports of the same partition. Send it again.",
};

class ReportIntake implements Intake {
  readonly atOnce = AT_ONCE;
  /** Those without an answer yet. */
  #open = 0;
  #closed: (() => void) | null = null;
  readonly #stalled = new Set<number>();

  constructor(private readonly parts: ReportIntakeParts) {}

  async take(items: readonly Cut[], first: number): Promise<void> {
    const { room, results } = this.parts;
    const sendables = this.#checked(items, first);
    const mayReport = await this.#asked(sendables);
    if (mayReport === null) return;
    for (const one of sendables) {
      if (!mayReport(one.sensorId)) results.refuse(one.index, { status: 404, detail: `There is no sensor ${one.sensorId}.` });
      else if (this.#isStalled(one.sensorId)) results.refuse(one.index, NOT_TRIED);
      else {
        while (!room.enter(one.payload.length)) await room.room();
        this.#publish(one);
      }
    }
  }

  settled(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#closed = resolve;
    });
  }

  #checked(items: readonly Cut[], first: number): Numbered[] {
    const { key } = this.parts;
    const sendables: Numbered[] = [];
    for (const [place, item] of items.entries()) {
      try {
        const index = first + place;
        const { sensorId, payload } = sendableOf(item, key === undefined ? undefined : `${key}:${index}`);
        sendables.push({ index, sensorId, payload });
      } catch (error) {
        this.#refuse(first + place, error);
      }
    }
    return sendables;
  }

  /** Null when that cannot be known; then all of them are refused. */
  async #asked(sendables: readonly Numbered[]): Promise<MayReport | null> {
    try {
      return await this.parts.ask(
        sendables.map(({ sensorId }) => sensorId),
        this.parts.reach,
      );
    } catch (error) {
      for (const { index } of sendables) this.#refuse(index, error);
      return null;
    }
  }

  #isStalled(sensorId: string): boolean {
    return this.#stalled.size > 0 && this.#stalled.has(partitionOf(sensorId, this.parts.partitions));
  }

  #publish({ index, sensorId, payload }: Numbered): void {
    const { publisher, room } = this.parts;
    const sentAt = performance.now();
    this.#open += 1;
    const settle = () => {
      room.leave(payload.length);
      this.#open -= 1;
      if (this.#open === 0) this.#closed?.();
    };
    publisher.publish(sensorId, payload).then(
      (ack) => {
        this.#accept(index, ack);
        settle();
      },
      (error: unknown) => {
        if (performance.now() - sentAt >= STALLED_MS) this.#stalled.add(partitionOf(sensorId, this.parts.partitions));
        this.#refuse(index, error);
        settle();
      },
    );
  }

  #accept(index: number, { stream, sequence, duplicate }: PublishAck): void {
    this.parts.results.accept(index, 202, {
      number: sequence,
      fields: `"stream":${JSON.stringify(stream)},"sequence":#,"duplicate":${duplicate}`,
    });
  }

  #refuse(index: number, error: unknown): void {
    const refusal = refusalOf(error);
    if (!isFault(error) && refusal.status === 500) this.parts.failed(error);
    this.parts.results.refuse(index, refusal);
  }
}
