import { currentState, type State } from "../domain/state";
import type { Sensor } from "../domain/sensor";
import type { BatchPart, SensorAt, SensorReadStore, SensorRecord } from "../store/store";
import type { Events } from "../telemetry/events";
import { DatabaseClock } from "./databaseClock";
import { DatabaseReads, type Read } from "./databaseReads";
import { Marks, type Orders } from "./marks";
import { placeText, versionText } from "./order";
import type { SensorCache, Vouched } from "./ports";
import { keepChecking, sampleOf } from "./reconcile";
import type { RedisLink } from "./redis";
import { createSeal, type Entry, type Register, type Seal } from "./seal";
import { type Look, SharedEntries } from "./sharedEntries";
import { WriteThrough } from "./writeThrough";

/** An entry is believed for so long after the database, or the owner by its commit, vouched for it. */
export const CACHE_BELIEVED_MS = 1000;
/** By how much the clocks that measure it may run apart in that time, many times over. */
const BELIEF_MARGIN_MS = 50;
/** Ids in one message to the other nodes. */
const TOLD_AT_ONCE_MAX = 500;
/** How often Redis is asked again while an edit waits for it. */
const FORGET_AGAIN_MS = 100;

export interface SharedOptions {
  readonly store: SensorReadStore;
  readonly redis: RedisLink;
  /** What all nodes seal entries with. */
  readonly secret: string;
  /** P. */
  readonly partitions: number;
  readonly events: Pick<Events, "cacheRead" | "cacheLied" | "cacheDrifted" | "cacheWrote" | "cacheEditWaited" | "failed">;
}

/** What Redis holds of a sensor, judged. */
interface Judged {
  readonly entries: Partial<Record<Register, Entry>>;
  /** Registers that hold what is not to be believed, and must make room. */
  readonly refused: readonly Register[];
}

/**
 * The cache of a node among others. What Redis holds is believed only where a node of ours sealed it, a moment ago by the database's clock, and
 * not behind what this node has seen; else the database is asked, under a lease that an edit takes away. So Redis decides how fast an
 * answer comes, and not what it says.
 */
export class SharedCache implements SensorCache {
  readonly #clock = new DatabaseClock();
  readonly #marks = new Marks(2 * CACHE_BELIEVED_MS);
  readonly #reads: DatabaseReads;
  readonly #entries: SharedEntries;
  readonly #seal: Seal;
  readonly #writes: WriteThrough;
  readonly #checking: { stop(): Promise<void> };
  #tell: (ids: readonly string[]) => void = () => {};

  constructor(private readonly options: SharedOptions) {
    const { store, redis, secret, partitions, events } = options;
    this.#seal = createSeal(secret);
    this.#reads = new DatabaseReads(store, (vouched) => this.#clock.told(vouched));
    this.#entries = new SharedEntries(redis, { secret, partitions, onFailure: () => events.cacheRead("failed") });
    const lasts = (vouchedAt: number) => this.#lasts(vouchedAt);
    this.#writes = new WriteThrough({ redis, entries: this.#entries, seal: this.#seal, lasts, events });
    this.#checking = keepChecking(() => this.check(), events);
  }

  readonly read = async (id: string): Promise<SensorRecord | null> => {
    const look = await this.#entries.look(id);
    if (look === null) {
      this.options.events.cacheRead("bypassed");
      return recordOf((await this.#readDatabase(id)).found);
    }
    const judged = this.#judge(id, look);
    const record = this.#believe(id, judged);
    if (record !== null) {
      this.options.events.cacheRead("hit");
      return record;
    }
    this.options.events.cacheRead(judged.refused.length === 0 ? "miss" : "refused");
    return this.#fillIn(id, look, judged.refused);
  };

  /** Nobody waits for more than what was vouched for before the edit is believed, whatever becomes of Redis. */
  async edited(ids: readonly string[]): Promise<void> {
    const doneAt = performance.now();
    this.heardOfEdits(ids);
    for (let at = 0; at < ids.length; at += TOLD_AT_ONCE_MAX) this.#tell(ids.slice(at, at + TOLD_AT_ONCE_MAX));
    while (!(await this.#entries.forget(ids))) {
      // Another node may reach it where this one does not.
      const leftMs = doneAt + CACHE_BELIEVED_MS + BELIEF_MARGIN_MS - performance.now();
      if (leftMs <= 0) return this.options.events.cacheEditWaited();
      await Bun.sleep(Math.min(leftMs, FORGET_AGAIN_MS));
    }
  }

  doubtful(ids: readonly string[]): void {
    this.heardOfEdits(ids);
    void this.#entries.forget(ids);
  }

  /**
   * Nodes tell each other of edits by another way than Redis, too: whoever plays back there what was true a moment ago comes too late even
   * at a node that had not read it since. Where that is lost, such an entry is believed for its moment.
   */
  share(tell: (ids: readonly string[]) => void): void {
    this.#tell = tell;
  }

  /** What was vouched for before is not believed here any more. */
  heardOfEdits(ids: readonly string[]): void {
    this.#marks.edited(ids, this.#clock.latest());
  }

  committed(part: BatchPart, vouched: Vouched | null): void {
    if (vouched === null) return;
    this.#clock.told(vouched);
    this.#writes.add(part, vouched.at);
  }

  async stop(): Promise<void> {
    await this.#checking.stop();
    await this.#writes.stop();
  }

  /** Compares a sample of what was read lately with the database: what is not merely behind is taken out and counted. */
  async check(): Promise<void> {
    // The clock is told, whatever there is to compare.
    const ids = sampleOf(this.#marks.ids());
    const looks = await Promise.all(ids.map((id) => this.#entries.look(id, false)));
    const { readAt, sensors } = await this.#askAll(ids);
    const byId = new Map(sensors.map((each) => [each.sensor.id, each]));
    for (const [index, id] of ids.entries()) {
      const look = looks[index] ?? null;
      if (look === null) continue;
      const { entries, refused } = this.#judge(id, look);
      const drifted = hasDrifted(entries, byId.get(id), readAt);
      if (drifted) this.options.events.cacheDrifted(id);
      if (drifted || refused.length > 0) await this.#entries.forget([id]);
    }
  }

  async #askAll(ids: readonly string[]) {
    const askedAt = performance.now();
    const told = await this.options.store.sensorsAt(ids);
    this.#clock.told({ at: told.readAt, askedAt });
    return told;
  }

  #judge(id: string, { texts, odd }: Look): Judged {
    const latest = this.#clock.latest();
    const entries: Partial<Record<Register, Entry>> = {};
    const refused: Register[] = [];
    for (let each = 0; each < odd; each += 1) this.#lied(id, "odd");
    for (const register of ["registry", "state"] as const) {
      const text = texts[register];
      if (text === null) continue;
      const entry = this.#seal.open(register, id, text);
      if (entry === null) this.#lied(id, "forged");
      else if (latest !== null && isRecent(entry, latest) && !this.#marks.isBehind(register, id, entry)) {
        entries[register] = entry;
        continue;
      }
      refused.push(register);
    }
    return { entries, refused };
  }

  #lied(id: string, lie: "forged" | "odd"): void {
    this.options.events.cacheLied(id, lie);
  }

  /** Null unless both registers are there and fit together. */
  #believe(id: string, { entries: { registry, state } }: Judged): SensorRecord | null {
    if (registry === undefined || state === undefined) return null;
    const sensor = JSON.parse(registry.content) as Sensor;
    const written = JSON.parse(state.content) as State | null;
    // The owner has heard of a registration that this entry does not know.
    if (written !== null && written.life > sensor.life) return null;
    this.#marks.seen(id, { registry: registry.order, state: state.order });
    return { sensor, state: currentState(written, sensor.life) };
  }

  async #fillIn(id: string, look: Look, refused: readonly Register[]): Promise<SensorRecord | null> {
    const taken = refused.length === 0 ? [] : await this.#entries.take(id, look.lease, refused);
    const { found, vouched } = await this.#readDatabase(id);
    if (found !== null && !found.deleted) {
      const leased = [...look.leased, ...taken];
      const lastsMs = this.#lasts(vouched.at);
      const orders = ordersOf(found);
      const texts = new Map(
        leased.map((register) => [register, this.#close(register, found, { order: orders[register], vouchedAt: vouched.at })]),
      );
      // Whoever asked has the answer already.
      if (lastsMs > 0) void this.#entries.fill(id, look.lease, { lastsMs, texts });
    }
    return recordOf(found);
  }

  #close(register: Register, { sensor, state }: SensorAt, entry: Omit<Entry, "content">): string {
    return this.#seal.close(register, sensor.id, { ...entry, content: JSON.stringify(register === "registry" ? sensor : state) });
  }

  async #readDatabase(id: string): Promise<Read> {
    const read = await this.#reads.read(id);
    if (read.found !== null) this.#marks.read(id, ordersOf(read.found), read.vouched.askedAt);
    return read;
  }

  /** For how long an entry would be believed still. */
  #lasts(vouchedAt: number): number {
    const latest = this.#clock.latest();
    return latest === null ? 0 : Math.min(CACHE_BELIEVED_MS, CACHE_BELIEVED_MS - (latest - vouchedAt));
  }
}

/** What a sealed entry holds of a time to come was vouched for before the database's clock was set back. */
function isRecent({ vouchedAt }: Entry, latest: number): boolean {
  return vouchedAt <= latest && latest - vouchedAt <= CACHE_BELIEVED_MS;
}

function ordersOf({ sensor, place }: SensorAt): Orders {
  return { registry: versionText(sensor), state: placeText(place) };
}

function recordOf(found: SensorAt | null): SensorRecord | null {
  if (found === null || found.deleted) return null;
  return { sensor: found.sensor, state: currentState(found.state, found.sensor.life) };
}

/** Whether what was believable before the database was asked is ahead of it, or says something else of the same moment. */
function hasDrifted({ registry, state }: Judged["entries"], found: SensorAt | undefined, readAt: number): boolean {
  if (found === undefined) return registry !== undefined;
  const orders = ordersOf(found);
  const differs = (entry: Entry | undefined, order: string, content: unknown) => {
    if (entry === undefined || entry.order < order || entry.vouchedAt > readAt) return false;
    return entry.order > order || !Bun.deepEquals(JSON.parse(entry.content), content);
  };
  return differs(registry, orders.registry, found.sensor) || differs(state, orders.state, found.state);
}
