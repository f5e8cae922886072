import { type Change, changeBody, changeData } from "../domain/change";
import type { ChangePublisher, OutgoingChange } from "../jetstream/ports";
import type { ChangeLogStore } from "../store/store";
import type { Events } from "../telemetry/events";

/** The most changes that wait in memory; beyond that they are read from the table, which holds them all. */
const WAITING_MAX = 5000;
const PUBLISHED_AT_ONCE_MAX = 500;
const RETRY_MS = 500;

export interface ChangePumpOptions {
  readonly store: Pick<ChangeLogStore, "changesAfter">;
  readonly publisher: ChangePublisher;
  readonly partition: number;
  /** The number up to which all is known to be in `CHANGES`, and the number of the last change. */
  readonly published: number;
  readonly changeNumber: number;
  readonly events: Events;
}

/** Publishes a partition's changes in order, behind the commits. The table is the outbox; what waits in memory only saves reading it. */
export class ChangePump {
  #published: number;
  #committed: number;
  #waiting: OutgoingChange[] = [];
  #stopped = false;
  #wake = Promise.withResolvers<void>();
  readonly #ending = Promise.withResolvers<void>();
  readonly #running: Promise<void>;

  constructor(private readonly options: ChangePumpOptions) {
    this.#published = options.published;
    this.#committed = options.changeNumber;
    this.#running = this.#run();
  }

  get published(): number {
    return this.#published;
  }

  /** Hands over what was committed: numbers that follow on those handed over before. */
  add(changes: readonly Change[]): void {
    const first = changes[0];
    if (first === undefined) return;
    this.#committed = (changes.at(-1) as Change).number;
    // What waits has no gaps: once some were left to the table, so are those behind them, until nothing waits.
    const follows = this.#waiting.length === 0 || this.#waiting.at(-1)?.number === first.number - 1;
    if (follows && this.#waiting.length + changes.length <= WAITING_MAX) {
      for (const change of changes) this.#waiting.push(outgoing(change));
    }
    this.#wake.resolve();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#ending.resolve();
    this.#wake.resolve();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#published >= this.#committed) {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
        continue;
      }
      try {
        const committed = this.#committed;
        const changes = await this.#nextChanges();
        // Where none is left, the stream lost what is no longer kept either.
        this.#published = changes.length === 0 ? committed : await this.options.publisher.publish(changes, this.#published);
        this.options.events.changesPublished(this.options.partition, this.#published);
      } catch (error) {
        this.options.events.publishFailed(this.options.partition, error);
        await Promise.race([Bun.sleep(RETRY_MS), this.#ending.promise]);
      }
    }
  }

  async #nextChanges(): Promise<OutgoingChange[]> {
    const next = this.#published + 1;
    const behind = this.#waiting.findIndex((change) => change.number >= next);
    this.#waiting.splice(0, behind === -1 ? this.#waiting.length : behind);
    if (this.#waiting[0]?.number === next) return this.#waiting.slice(0, PUBLISHED_AT_ONCE_MAX);
    const logged = await this.options.store.changesAfter(this.options.partition, this.#published, PUBLISHED_AT_ONCE_MAX);
    return logged.map(({ number, sensorId, kind, occurredAt, data }) => ({ number, sensorId, body: changeBody(kind, occurredAt, data) }));
  }
}

function outgoing(change: Change): OutgoingChange {
  const body = changeBody(change.kind, change.occurredAt, JSON.stringify(changeData(change)));
  return { number: change.number, sensorId: change.sensorId, body };
}
