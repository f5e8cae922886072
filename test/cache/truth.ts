import type { SensorRecord, Store } from "../../src/store/store";
import { nextTurn } from "../../src/nextTurn";
import { Owner } from "../store/conformance/owner";
import { draftOf, onlineState } from "../store/conformance/samples";
import type { CacheNode } from "./stage";

/** A value that one register of a sensor had: from when its write began, and until the write of the next one was over. */
interface Held {
  readonly number: number;
  readonly begunAt: number;
  writtenAt: number;
}

/** What one register of a sensor held, and when. */
class Register {
  readonly #held: Held[];

  constructor(first: number) {
    const begunAt = performance.now();
    this.#held = [{ number: first, begunAt, writtenAt: begunAt }];
  }

  get last(): number {
    return (this.#held.at(-1) as Held).number;
  }

  async write(number: number, act: () => Promise<unknown>): Promise<void> {
    const held: Held = { number, begunAt: performance.now(), writtenAt: Infinity };
    this.#held.push(held);
    await act();
    held.writtenAt = performance.now();
  }

  /** What an answer may show that was asked for and given at these times. */
  fits(number: number, asked: { readonly at: number; readonly answeredAt: number }): boolean {
    const shown = this.#held.find((held) => held.number === number);
    const next = this.#held.find((held) => held.number === number + 1);
    return shown !== undefined && shown.begunAt <= asked.answeredAt && (next === undefined || next.writtenAt >= asked.at);
  }
}

const SENSORS = 4;

/** Sensors that are edited and reported of at two nodes, and read at both, with everything that ever held of them kept beside. */
export class Truth {
  readonly ids = Array.from({ length: SENSORS }, (_, index) => `s${index}`);
  readonly #registries = new Map<string, Register>();
  readonly #states = new Map<string, Register>();
  /** What the answers said that the truth never was; empty if all is well. */
  readonly lies: string[] = [];
  reads = 0;
  edits = 0;
  #turn = 0;

  private constructor(
    private readonly nodes: readonly CacheNode[],
    private readonly owner: Owner,
    /** How long ago what a state, and what the registry says may have been. */
    private readonly behindMs: { readonly state: number; readonly registry: number },
  ) {}

  static async of(
    store: Store,
    nodes: readonly CacheNode[],
    behindMs: { readonly state: number; readonly registry: number },
  ): Promise<Truth> {
    const owner = await Owner.of((nodes[0] as CacheNode).store);
    const truth = new Truth(nodes, owner, behindMs);
    for (const id of truth.ids) await store.createSensor(draftOf(id, { name: nameOf(id, 1) }));
    await owner.heard(Object.fromEntries(truth.ids.map((id) => [id, { revision: 1, status: statusOf(id, 1) }])));
    for (const id of truth.ids) {
      truth.#registries.set(id, new Register(1));
      truth.#states.set(id, new Register(1));
    }
    return truth;
  }

  /** One edit and one commit. */
  async write(): Promise<void> {
    this.#turn += 1;
    const id = this.ids[this.#turn % SENSORS] as string;
    const node = this.nodes[this.#turn % this.nodes.length] as CacheNode;
    const registry = this.#registries.get(id) as Register;
    const version = registry.last + 1;
    await registry.write(version, () => node.store.updateSensor(draftOf(id, { name: nameOf(id, version) }), null));
    this.edits += 1;
    await this.commit();
  }

  async commit(): Promise<void> {
    const id = this.ids[Math.floor(Math.random() * SENSORS)] as string;
    const state = this.#states.get(id) as Register;
    const revision = state.last + 1;
    await this.owner.refresh();
    await state.write(revision, () =>
      this.owner.commit({ states: [{ sensorId: id, state: onlineState({ revision, status: statusOf(id, revision) }) }] }),
    );
  }

  /** Reads at a node, one after the other, until `over`; what comes is judged. */
  async read(node: CacheNode, over: () => boolean): Promise<void> {
    const seen = new Map<string, { version: number; revision: number }>();
    for (let turn = 0; !over(); turn += 1) {
      const id = this.ids[turn % SENSORS] as string;
      const at = performance.now();
      const record = await node.cache.read(id);
      this.judge(id, record, { at, answeredAt: performance.now() });
      const { version = 0, revision = 0 } = { version: record?.sensor.version, revision: record?.state.revision };
      const before = seen.get(id) ?? { version: 0, revision: 0 };
      if (version < before.version || revision < before.revision) {
        this.lies.push(`${id} went back from ${JSON.stringify(before)} to ${version}, ${revision}`);
      }
      seen.set(id, { version, revision });
      this.reads += 1;
      // Nothing of it may wait for anything but the database, which answers at once.
      await nextTurn();
    }
  }

  judge(id: string, record: SensorRecord | null, asked: { readonly at: number; readonly answeredAt: number }): void {
    if (record === null) return void this.lies.push(`${id} is not there`);
    const { sensor, state } = record;
    const [registry, written] = [this.#registries.get(id) as Register, this.#states.get(id) as Register];
    if (sensor.id !== id || sensor.name !== nameOf(id, sensor.version))
      this.lies.push(`${id} is ${sensor.id}, ${sensor.name}, ${sensor.version}`);
    if (state.status !== statusOf(id, state.revision)) this.lies.push(`${id} is ${state.status} at ${state.revision}`);
    if (!registry.fits(sensor.version, { ...asked, at: asked.at - this.behindMs.registry })) {
      this.lies.push(`${id} is at version ${sensor.version} where it was at ${registry.last}`);
    }
    if (!written.fits(state.revision, { ...asked, at: asked.at - this.behindMs.state })) {
      this.lies.push(`${id} is at revision ${state.revision} where it was at ${written.last}`);
    }
  }
}

function nameOf(id: string, version: number): string {
  return `${id} at version ${version}`;
}

function statusOf(id: string, revision: number): string {
  return `${id}-at-${revision}`;
}
