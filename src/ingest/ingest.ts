import { BatchLimit } from "../batchLimit";
import { isFault } from "../domain/fault";
import type { State } from "../domain/state";
import type { ReportReader, StreamMessage } from "../jetstream/ports";
import type { BatchPart, IncidentDraft, PartitionPosition } from "../store/store";
import { BATCH_MESSAGES_MAX, type Batch, BatchReader } from "./batches";
import { ChangePump } from "./changePump";
import { type DecidedBatch, decideBatch } from "./decideBatch";
import { type BatchBefore, decideBehind } from "./decideBehind";
import { factsOf } from "./facts";
import type { IngestOptions } from "./options";
import { SensorCache } from "./sensorCache";

/** A batch of so many says that there are more: the next one is read, and decided, while it is being committed. */
const BACKLOG_MESSAGES = BATCH_MESSAGES_MAX / 8;
const TICK_EVERY_MS = 500;
const TRIM_EVERY_MS = 60_000;
/** Without a batch for so long a partition stands idle. */
const IDLE_AFTER_MS = 1000;
const RETRY_MS = 250;
/** By then a commit has gone out: deciding the next batch would hold up whoever writes it to its socket. */
const AHEAD_AFTER_MS = 4;

/** Reads one partition's stream, decides, commits and publishes, in order, for as long as its lease lasts. */
export class Ingest {
  readonly #cache: SensorCache;
  readonly #pump: ChangePump;
  readonly #timers: Timer[];
  readonly #ending = Promise.withResolvers<void>();
  /** States whose next check was moved by an operator's edit; they go in with the next commit. */
  readonly #edited = new Map<string, State>();
  #position: PartitionPosition;
  #registryVersion: number;
  #reader: ReportReader | null = null;
  #incidents: IncidentDraft[] = [];
  readonly #limit = new BatchLimit(BATCH_MESSAGES_MAX);
  #stopped = false;
  #backlog = 0;
  #published = 0;
  /** When the last batch was taken up or went in; Infinity while one is in hand. */
  #busyAt = -Infinity;
  readonly #running: Promise<void>;

  constructor(private readonly options: IngestOptions) {
    const { store, position, stream, held, events } = options;
    this.#position = position;
    this.#registryVersion = options.registryVersion;
    this.#published = position.published;
    this.#cache = new SensorCache(store, options.sensorMemory);
    const { partition } = held.lease;
    this.#pump = new ChangePump({ ...position, store, publisher: stream.changes, partition, events });
    this.#timers = [
      setInterval(() => void this.#quietly(() => this.#tick()), TICK_EVERY_MS),
      setInterval(() => void this.#quietly(() => stream.trim(this.#position)), TRIM_EVERY_MS),
    ];
    this.#running = this.#run();
  }

  /** How many messages stood behind the last one that was taken up, as of when that was read. */
  get backlog(): number {
    return this.#backlog;
  }

  /** What is read but not committed is dropped: the cursor makes that safe. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#ending.resolve();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#reader?.stop();
    await this.#running;
    await this.#pump.stop();
    await this.#quietly(() => this.#markPublished());
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#readOn();
      } catch (error) {
        if (this.#stopped) return;
        this.options.events.ingestFailed(this.options.held.lease.partition, error);
        await Promise.race([Bun.sleep(RETRY_MS), this.#ending.promise]);
      } finally {
        await this.#reader?.stop();
        this.#reader = null;
      }
    }
  }

  /** From the cursor on, until stopped, fenced or a fault that a new reader may mend. */
  async #readOn(): Promise<void> {
    this.#incidents = [];
    this.#reader = await this.options.stream.openReader(this.#position);
    if (this.#stopped) return;
    if (this.#reader.start.kind === "newGeneration") this.#beginGeneration("stream.recreated", this.#reader.start.detail);
    const batches = new BatchReader(this.#reader);
    let batch = await batches.next();
    while (batch !== null && !this.#stopped) {
      this.#backlog = batch.messages.at(-1)?.pending() ?? 0;
      const following = batch.messages.length < BACKLOG_MESSAGES ? null : batches.next();
      // Whoever waits for it is told.
      following?.catch(() => {});
      for (const { expected, found } of batch.gaps) this.#beginGeneration("stream.gap", { expected, found });
      if (!(await this.#takeIn(batch, following))) return;
      batch = await (following ?? batches.next());
    }
  }

  /** What follows is another stream, or the rest of one that lost something: its sequences are counted anew. */
  #beginGeneration(kind: string, detail: Readonly<Record<string, unknown>>): void {
    const { partition } = this.options.held.lease;
    this.#incidents.push({
      kind,
      partition,
      detail: { ...detail, cursor: this.#position.cursor, cursorTimeNs: this.#position.cursorTimeNs },
    });
    this.options.events.incidentRecorded(kind, partition, detail);
  }

  /** Decides and commits, again and again while the database is away. False when it is no longer ours to do. */
  async #takeIn({ messages, ...batch }: Batch, following: Promise<Batch | null> | null): Promise<boolean> {
    if (messages.length > this.#limit.items) return this.#takeInHalves(messages);
    const startedAt = performance.now();
    let decided = await batch.decided;
    this.#busyAt = Infinity;
    try {
      while (!this.#stopped) {
        const triedAt = performance.now();
        try {
          // Where only the answer was lost, the same decision finds itself committed; another one would find its own reports as repeats.
          decided ??= await this.#decide(messages);
          const settled = await this.#commit(decided, { messages: messages.length, startedAt, following });
          if (settled !== null) return settled;
          decided = null;
          await this.#readEdits();
        } catch (error) {
          if (!isFault(error, "unavailable")) throw error;
          this.options.events.ingestFailed(this.options.held.lease.partition, error);
          await Promise.race([Bun.sleep(RETRY_MS), this.#ending.promise]);
          // Was it in after all, the half does not fit behind it: the lease is lost, and everything is read anew.
          if (this.#limit.failed(messages.length, performance.now() - triedAt - RETRY_MS)) return await this.#takeInHalves(messages);
        }
      }
      return false;
    } finally {
      this.#busyAt = performance.now();
    }
  }

  async #takeInHalves(messages: readonly StreamMessage[]): Promise<boolean> {
    const middle = Math.ceil(messages.length / 2);
    for (const half of [messages.slice(0, middle), messages.slice(middle)]) {
      if (!(await this.#takeIn({ messages: half, gaps: [], decided: null }, null))) return false;
    }
    return true;
  }

  async #decide(messages: readonly StreamMessage[]): Promise<DecidedBatch> {
    const { sensorCount, sensorsMax } = this.options;
    const rules = { ...this.#rules(), registrationsLeft: Math.max(0, sensorsMax - (await sensorCount.current())) };
    return decideBatch(messages, this.#position, { ...this.#means(), rules });
  }

  /**
   * Behind a batch that is on its way in; what it comes to holds only if that one arrives. Gives how to say whether it did; what was looked
   * up in vain has come by then, and will not be remembered later.
   */
  #decideAhead(following: Promise<Batch | null> | null, before: BatchBefore): (arrived: boolean) => Promise<void> {
    let ahead: Batch | null = null;
    let over = false;
    void following?.then(
      (next) => {
        if (over || next === null || next.gaps.length > 0) return;
        ahead = next;
        // What fails is tried again in its turn.
        next.decided = Bun.sleep(AHEAD_AFTER_MS)
          .then(() => decideBehind(next.messages, before, this.#means()))
          .catch(() => null);
      },
      // It is told of when its turn has come.
      () => {},
    );
    return async (arrived) => {
      over = true;
      if (arrived || ahead === null) return;
      const inVain = ahead.decided;
      ahead.decided = null;
      await inVain;
    };
  }

  #means() {
    return { rules: this.#rules(), store: this.options.store, cache: this.#cache };
  }

  #rules() {
    const { registration, partitions, held } = this.options;
    return { partition: held.lease.partition, partitions, registrationOpen: registration === "open" };
  }

  /** True when it is in, false when the partition is lost, null when it must be decided again. */
  async #commit(decided: DecidedBatch, batch: InHand): Promise<boolean | null> {
    const part = this.#part(decided);
    decided.settle();
    const tellAhead = this.#decideAhead(batch.following, { to: part.to, rows: part });
    let arrived = false;
    try {
      const outcome = await this.options.commits.commit(part);
      arrived = outcome.kind === "committed" || outcome.kind === "alreadyCommitted";
      if (arrived) this.#believe(decided, part, batch);
      return arrived || (outcome.kind === "registryMoved" ? null : this.#lose());
    } finally {
      await tellAhead(arrived);
      if (!arrived) decided.unsettle();
    }
  }

  #lose(): false {
    this.options.held.lost();
    this.#stopped = true;
    return false;
  }

  /** Sensors were edited since the last look. */
  async #readEdits(): Promise<void> {
    const { sensorCount, held } = this.options;
    const { registryVersion, states } = await this.#cache.refresh(held.lease.partition, this.#registryVersion);
    this.#registryVersion = registryVersion;
    for (const { sensorId, state } of states) this.#edited.set(sensorId, state);
    // Operators register and delete, too.
    sensorCount.edited();
  }

  #part(decided: DecidedBatch): BatchPart {
    const edited = this.#editedBeside(decided);
    const generation = this.#position.generation + (this.#incidents.length > 0 ? 1 : 0);
    this.#published = Math.max(this.#published, this.#pump.published);
    return {
      ...decided.rows,
      states: edited.length === 0 ? decided.rows.states : [...decided.rows.states, ...edited],
      lease: this.options.held.lease,
      leaseTtlMs: this.options.leaseTtlMs,
      registryVersion: this.#registryVersion,
      from: this.#position,
      to: { ...decided.to, generation, published: this.#published },
      stream: this.options.stream.name,
      incidents: this.#incidents,
    };
  }

  /** What edits moved and the batch did not. */
  #editedBeside(decided: DecidedBatch): BatchPart["states"] {
    if (this.#edited.size === 0) return [];
    const moved = new Set(decided.rows.states.map(({ sensorId }) => sensorId));
    return Array.from(this.#edited, ([sensorId, state]) => ({ sensorId, state })).filter(({ sensorId }) => !moved.has(sensorId));
  }

  #believe(decided: DecidedBatch, part: BatchPart, { messages, startedAt }: InHand): void {
    const { held, sensorCount, onChanges, events } = this.options;
    held.extended(startedAt);
    sensorCount.registered(part.registrations.length);
    this.#edited.clear();
    this.#incidents = [];
    this.#position = part.to;
    this.#pump.add(part.changes);
    if (part.changes.length > 0) onChanges?.();
    this.#limit.succeeded(performance.now() - startedAt);
    events.batchCommitted(factsOf(part, { messages, startedAt, unknownFields: decided.unknownFields }));
  }

  async #tick(): Promise<void> {
    if (await this.options.store.hasHeartbeats(this.options.held.lease.partition)) this.options.stream.publishTick();
    if (performance.now() - this.#busyAt >= IDLE_AFTER_MS) await this.#markPublished();
  }

  /** For a partition that stands idle; else the number goes with the next commit. */
  async #markPublished(): Promise<void> {
    const number = this.#pump.published;
    if (number <= this.#position.published) return;
    const { store, held } = this.options;
    if (await store.markPublished(held.lease, number)) this.#position = { ...this.#position, published: number };
  }

  async #quietly(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!this.#stopped) this.options.events.ingestFailed(this.options.held.lease.partition, error);
    }
  }
}

/** A batch as its commit needs it. */
interface InHand {
  readonly messages: number;
  readonly startedAt: number;
  /** The next one, where there is a backlog. */
  readonly following: Promise<Batch | null> | null;
}
